/** Runs one statement on the server and resolves with its rows: objects by the names of their columns. */
export type QueryRows = (text: string) => Promise<readonly object[]>

/** One row, read by the names of its columns, whatever types its driver gives to numbers and JSON. */
export class Row {
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(row: object | undefined) {
    this.#fields = (row ?? {}) as Readonly<Record<string, unknown>>
  }

  /** Undefined for NULL, for a column that is missing, and for what is no number. Drivers return wide integers as text. */
  number(column: string): number | undefined {
    const value = this.#fields[column]
    if (value === null || value === undefined || value === '') return undefined
    const number = Number(value)
    return Number.isNaN(number) ? undefined : number
  }

  text(column: string): string | undefined {
    const value = this.#fields[column]
    return value === null || value === undefined ? undefined : String(value)
  }

  /** Undefined for NULL. MySQL has 1 and 0 for true and false. */
  boolean(column: string): boolean | undefined {
    const value = this.#fields[column]
    if (value === null || value === undefined) return undefined
    return value === true || ['t', 'true', 'on', 'yes', '1'].includes(String(value).toLowerCase())
  }

  /** A column of JSON, parsed by the driver or not. */
  json(column: string): unknown {
    const value = this.#fields[column]
    return typeof value === 'string' ? JSON.parse(value) : value
  }

  texts(column: string): readonly string[] {
    const value = this.json(column)
    return Array.isArray(value) ? value.map(String) : []
  }
}

export async function rowsOf(query: QueryRows, text: string): Promise<Row[]> {
  return (await query(text)).map((row) => new Row(row))
}
