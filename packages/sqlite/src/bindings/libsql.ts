import { pathToFileURL } from 'node:url'
import { resultCodeOf, SQLITE_BUSY } from '../result-codes.js'
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
import { type BindableParameters, bindable } from './parameters.js'

interface LibsqlStatement {
  run(parameters: unknown): RunResult
  all(parameters: unknown): unknown[]
  get(parameters: unknown): unknown
  iterate(parameters: unknown): IterableIterator<unknown>
  columns(): readonly SqliteColumn[]
  raw(on: boolean): unknown
  safeIntegers(on: boolean): unknown
}

interface LibsqlDatabase {
  readonly inTransaction: boolean
  prepare(sql: string): LibsqlStatement
  exec(sql: string): void
  close(): void
}

/** The constructor that libsql exports. */
export type Libsql = new (path: string, options: { timeout: number }) => LibsqlDatabase

/** libsql, with a busy timeout of 0. */
export function libsql(Constructor: Libsql): Binding {
  return {
    library: 'libsql',
    // It has no option for that, but takes a URI.
    open: (path: string, { readOnly }: OpenMode) =>
      new LibsqlBoundDatabase(
        new Constructor(readOnly ? `${pathToFileURL(path).href}?mode=ro` : path, { timeout: 0 }),
      ),
  }
}

class LibsqlBoundDatabase implements BoundDatabase {
  readonly native: LibsqlDatabase
  pinned = false

  constructor(native: LibsqlDatabase) {
    this.native = native
  }

  get inTransaction(): boolean {
    return this.native.inTransaction
  }

  prepare(sql: string, { arrays = false, bigints = false }: RowFormat): BoundStatement {
    const statement = this.native.prepare(sql)
    if (bigints) statement.safeIntegers(true)
    const columns = statement.columns()
    if (arrays && columns.length > 0) statement.raw(true)
    return new LibsqlBoundStatement(this, statement, columns, arrays)
  }

  exec(sql: string): void {
    this.native.exec(sql)
  }

  close(): void {
    this.native.close()
  }

  /** Of the whole connection, so far. */
  changes(): number {
    const statement = this.native.prepare('select total_changes()')
    statement.raw(true)
    return (statement.all([])[0] as [number])[0]
  }

  lastInsertRowid(): number {
    const statement = this.native.prepare('select last_insert_rowid()')
    statement.raw(true)
    return (statement.all([])[0] as [number])[0]
  }
}

/**
 * A statement of libsql, which resets statements in `get` and `all` alone: one that was not read to its end, or that has
 * failed within a transaction, holds its snapshot until it is garbage.
 */
class LibsqlBoundStatement implements BoundStatement {
  readonly returnsRows: boolean
  readonly #database: LibsqlBoundDatabase
  readonly #statement: LibsqlStatement
  readonly #columns: readonly SqliteColumn[]
  readonly #arrays: boolean
  /** Values that some run has been given, at the most. */
  #bound = 0

  constructor(
    database: LibsqlBoundDatabase,
    statement: LibsqlStatement,
    columns: readonly SqliteColumn[],
    arrays: boolean,
  ) {
    this.#database = database
    this.#statement = statement
    this.#columns = columns
    this.#arrays = arrays
    this.returnsRows = columns.length > 0
  }

  columns(): readonly SqliteColumn[] {
    return this.#columns
  }

  run(parameters: SqliteParameters): RunResult {
    if (this.returnsRows) return this.#runToEnd(parameters)
    const values = this.#values(parameters)
    const { changes, lastInsertRowid } = this.#attempt(() => this.#statement.run(values))
    return { changes, lastInsertRowid }
  }

  all(parameters: SqliteParameters): unknown[] {
    const values = this.#values(parameters)
    if (this.returnsRows) return this.#attempt(() => this.#statement.all(values))
    this.#attempt(() => this.#statement.run(values))
    return []
  }

  get(parameters: SqliteParameters): unknown {
    if (!this.returnsRows) return void this.run(parameters)
    const values = this.#values(parameters)
    const row = this.#attempt(() => this.#statement.get(values))
    // Only `get` adds that to a row.
    if (row !== undefined && !this.#arrays && !this.#hasColumn('_metadata'))
      delete (row as { _metadata?: unknown })._metadata
    return row
  }

  iterate(parameters: SqliteParameters): BoundRows {
    const values = this.#values(parameters)
    const rows = this.#attempt(() => this.#statement.iterate(values))
    let ended = false
    return {
      next: () => {
        const step = this.#attempt(() => rows.next())
        ended ||= step.done === true
        return step
      },
      return: () => {
        if (ended) return
        ended = true
        // Resets the statement.
        this.#attempt(() => this.#statement.get(values))
      },
    }
  }

  /** A parameter that is given no value would keep the one of an earlier run, which may have been another caller's. */
  #values(parameters: SqliteParameters): BindableParameters {
    const values = bindable(parameters)
    if (!Array.isArray(values)) return values
    const missing = this.#bound - values.length
    if (missing > 0) return [...values, ...new Array<null>(missing).fill(null)]
    this.#bound = values.length
    return values
  }

  #hasColumn(name: string): boolean {
    return this.#columns.some((each) => each.name === name)
  }

  #runToEnd(parameters: SqliteParameters): RunResult {
    const before = this.#database.changes()
    this.all(parameters)
    return {
      changes: this.#database.changes() - before,
      lastInsertRowid: this.#database.lastInsertRowid(),
    }
  }

  #attempt<T>(action: () => T): T {
    try {
      return action()
    } catch (error) {
      const code = resultCodeOf(error)
      if (code !== undefined && (code & 0xff) === SQLITE_BUSY && this.#database.inTransaction)
        this.#database.pinned = true
      throw error
    }
  }
}
