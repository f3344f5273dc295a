import type { Database, Statement } from 'better-sqlite3'
import { hasNumberedParameters } from '../text/parameters.js'
import type {
  Binding,
  BoundDatabase,
  BoundRows,
  BoundStatement,
  OpenMode,
  RowFormat,
  RunResult,
  SqliteColumn,
  SqliteParameters,
} from './binding.js'
import { bindable } from './parameters.js'

/** The constructor that better-sqlite3 exports. */
export type BetterSqlite3 = new (
  path: string,
  options: { readonly: boolean; timeout: number },
) => Database

/** better-sqlite3, with a busy timeout of 0. */
export function betterSqlite3(Constructor: BetterSqlite3): Binding {
  return {
    library: 'better-sqlite3',
    open: (path: string, { readOnly }: OpenMode) =>
      new BetterDatabase(new Constructor(path, { readonly: readOnly, timeout: 0 })),
  }
}

/** What transactions begin and end with. None of these returns rows. */
const REPEATED: ReadonlySet<string> = new Set([
  'BEGIN DEFERRED',
  'BEGIN IMMEDIATE',
  'COMMIT',
  'ROLLBACK',
])

class BetterDatabase implements BoundDatabase {
  readonly native: Database
  /** Of {@link REPEATED}, compiled once. */
  readonly #repeated = new Map<string, Statement>()

  constructor(native: Database) {
    this.native = native
  }

  get inTransaction(): boolean {
    return this.native.inTransaction
  }

  prepare(sql: string, { arrays = false, bigints = false }: RowFormat): BoundStatement {
    const statement = this.native.prepare(sql) as Statement
    if (bigints) statement.safeIntegers(true)
    if (arrays && statement.reader) statement.raw(true)
    return new BetterStatement(statement, hasNumberedParameters(sql))
  }

  exec(sql: string): void {
    if (!REPEATED.has(sql)) {
      this.native.exec(sql)
      return
    }
    let statement = this.#repeated.get(sql)
    if (statement === undefined) {
      statement = this.native.prepare(sql) as Statement
      this.#repeated.set(sql, statement)
    }
    statement.run()
  }

  close(): void {
    this.native.close()
  }
}

class BetterStatement implements BoundStatement {
  readonly returnsRows: boolean
  readonly #statement: Statement
  readonly #numbered: boolean

  constructor(statement: Statement, numbered: boolean) {
    this.#statement = statement
    this.#numbered = numbered
    this.returnsRows = statement.reader
  }

  columns(): readonly SqliteColumn[] {
    return this.returnsRows ? this.#statement.columns() : []
  }

  run(parameters: SqliteParameters): RunResult {
    return this.#statement.run(this.#bind(parameters))
  }

  all(parameters: SqliteParameters): unknown[] {
    if (this.returnsRows) return this.#statement.all(this.#bind(parameters))
    this.run(parameters)
    return []
  }

  get(parameters: SqliteParameters): unknown {
    if (this.returnsRows) return this.#statement.get(this.#bind(parameters))
    this.run(parameters)
    return undefined
  }

  iterate(parameters: SqliteParameters): BoundRows {
    const rows = this.#statement.iterate(this.#bind(parameters))
    return { next: () => rows.next(), return: () => void rows.return?.() }
  }

  /** better-sqlite3 takes `?1` for a parameter that is called 1. */
  #bind(parameters: SqliteParameters): unknown {
    const values = bindable(parameters)
    if (!this.#numbered || !Array.isArray(values)) return values
    return Object.fromEntries(values.map((value, index) => [index + 1, value]))
  }
}
