/** The libraries that this package works over. */
export type SqliteLibrary = 'better-sqlite3' | 'libsql' | 'node:sqlite'

/** What SQLite stores. */
export type SqliteValue = null | number | bigint | string | Uint8Array

/** What may be bound to a parameter: a value, or a boolean, which is stored as 1 or 0. */
export type SqliteParameter = SqliteValue | boolean

/** Values by position for `?` and `?1`, or by name, without the prefix, for `:name`, `@name` and `$name`. */
export type SqliteParameters =
  | readonly SqliteParameter[]
  | Readonly<Record<string, SqliteParameter>>

/** What a statement that writes has done. */
export interface RunResult {
  /** Rows that were inserted, updated or deleted. */
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** How rows are read. */
export interface RowFormat {
  /** Rows are arrays rather than objects. `@default` false */
  readonly arrays?: boolean
  /**
   * Integers are `bigint`s. Without it they are numbers, and one beyond 2^53 is rounded by better-sqlite3 and libsql and
   * refused by node:sqlite. `@default` false
   */
  readonly bigints?: boolean
}

/** One column of a result. */
export interface SqliteColumn {
  readonly name: string
  /** The type that the table declares, null for an expression. */
  readonly type: string | null
}

/** One prepared statement of a library. All calls are synchronous. */
export interface BoundStatement {
  readonly returnsRows: boolean
  columns(): readonly SqliteColumn[]
  run(parameters: SqliteParameters): RunResult
  /** All rows; of a statement that returns none an empty array. */
  all(parameters: SqliteParameters): unknown[]
  get(parameters: SqliteParameters): unknown
  /** To be ended by `return()` if it is not read to its end: until then it holds a snapshot. */
  iterate(parameters: SqliteParameters): BoundRows
}

/** Rows that are read one by one. */
export interface BoundRows {
  next(): { readonly done?: boolean; readonly value?: unknown }
  return(): void
}

/** One open database of a library. All calls are synchronous. */
export interface BoundDatabase {
  /** The library's own object. */
  readonly native: object
  readonly inTransaction: boolean
  prepare(sql: string, format: RowFormat): BoundStatement
  /** Runs one statement that returns nothing of interest. */
  exec(sql: string): void
  close(): void
  /**
   * True if a statement that has failed or was not read to its end still holds its snapshot, which only opening the
   * database anew ends.
   */
  readonly pinned?: boolean
}

/** How a database is opened. */
export interface OpenMode {
  readonly readOnly: boolean
}

/** The way to one library. */
export interface Binding {
  readonly library: SqliteLibrary
  /** @param path a plain path, `:memory:`, or the empty text for a temporary database */
  open(path: string, mode: OpenMode): BoundDatabase
}

/** Reads every format by the defaults. */
export const PLAIN_ROWS: RowFormat = {}
