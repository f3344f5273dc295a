import { currentEffects, type LeaseFence } from '@connmgr/core/driver'
import {
  type BoundStatement,
  PLAIN_ROWS,
  type RowFormat,
  type RunResult,
  type SqliteColumn,
  type SqliteParameters,
} from './bindings/binding.js'
import { OpenCursor } from './session/open-cursor.js'
import type { Session } from './session/session.js'
import { kindOf, type StatementKind } from './text/statement-kind.js'

const NO_PARAMETERS: SqliteParameters = []

let readSession: (connection: SqliteConnection) => Session

/**
 * A connection to an SQLite database.
 *
 * `run`, `all`, `get`, `iterate` and `exec` run a statement at once, as SQLite is synchronous, unless another connection
 * holds the lock that it needs: then they wait for it, for up to `busyTimeoutMs`, and the event loop goes on meanwhile.
 * `prepare` gives a statement that is synchronous altogether, and fails with `SQLITE_BUSY` instead of waiting; within
 * `manager.transaction` the lock is there already.
 *
 * While a statement runs, nothing else in the process does. No time limit can stop it, as the timer cannot fire.
 *
 * @example
 * await manager.use(async (db) => {
 *   await db.run('insert into users (name) values (?)', ['Ada'])
 *   return db.all<{ name: string }>('select name from users where id < ?', [10])
 * })
 */
export class SqliteConnection {
  static {
    readSession = (connection) => connection.#session
  }

  readonly #session: Session
  readonly #fence: LeaseFence | undefined

  /** @internal Made by the driver. @param fence of the lease that hands it out */
  constructor(session: Session, fence?: LeaseFence) {
    this.#session = session
    this.#fence = fence
  }

  /** True within a transaction. */
  get inTransaction(): boolean {
    return this.#session.inTransaction
  }

  /** True if this connection cannot write. */
  get readOnly(): boolean {
    return this.#session.settings.readOnly
  }

  /**
   * The library's own object, such as a `Database` of better-sqlite3. What it is used for is in no report, and it waits for
   * no lock; the connection is reset after the lease, and this object is closed with that.
   *
   * @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED`
   */
  get native(): object {
    this.#require()
    return this.#session.native
  }

  /**
   * Runs a statement for its effect.
   *
   * @throws DatabaseBusyError `SQLITE_BUSY`: another connection has held the lock for `busyTimeoutMs`
   * @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED`
   */
  run(sql: string, parameters: SqliteParameters = NO_PARAMETERS): Promise<RunResult> {
    return this.perform(sql, PLAIN_ROWS, this.run, (statement) => statement.run(parameters))
  }

  /** Reads all rows. Throws what {@link run} does. */
  all<R = Record<string, unknown>>(
    sql: string,
    parameters: SqliteParameters = NO_PARAMETERS,
    format: RowFormat = PLAIN_ROWS,
  ): Promise<R[]> {
    return this.perform(sql, format, this.all, (statement) => statement.all(parameters) as R[])
  }

  /** Reads the first row; undefined if there is none. Throws what {@link run} does. */
  get<R = Record<string, unknown>>(
    sql: string,
    parameters: SqliteParameters = NO_PARAMETERS,
    format: RowFormat = PLAIN_ROWS,
  ): Promise<R | undefined> {
    return this.perform(
      sql,
      format,
      this.get,
      (statement) => statement.get(parameters) as R | undefined,
    )
  }

  /**
   * Reads rows in chunks of 100, and lets the event loop go on between them. Until it is read to its end, or left by
   * `break`, it holds a snapshot, which keeps the WAL from shrinking; and with better-sqlite3 the connection cannot write.
   * Throws what {@link run} does.
   *
   * @example
   * for await (const row of db.iterate('select * from events')) await send(row)
   */
  async *iterate<R = Record<string, unknown>>(
    sql: string,
    parameters: SqliteParameters = NO_PARAMETERS,
    format: RowFormat = PLAIN_ROWS,
  ): AsyncGenerator<R, void, undefined> {
    this.#require(sql)
    this.#fence?.noteUse(this.iterate)
    this.#tidyAtEnd()
    const session = this.#session
    const cursor = await session.openCursor(
      sql,
      format,
      (statement) => new OpenCursor(statement.iterate(parameters)),
    )
    try {
      for (;;) {
        yield* cursor.next() as R[]
        if (cursor.over) break
        await new Promise<void>((resolve) => session.settings.clock.setImmediate(resolve))
        this.#require(sql)
      }
      this.#require(sql)
    } finally {
      cursor.close()
    }
  }

  /**
   * Runs a script: its statements one after the other. They are no transaction, unless the script begins one. Throws what
   * {@link run} does.
   */
  exec(sql: string): Promise<void> {
    const refused = this.#refusal(sql)
    if (refused !== undefined) return Promise.reject(refused)
    this.#fence?.noteUse(this.exec)
    return this.#session.exec(sql)
  }

  /** Prepares a synchronous statement. It ends with the lease. @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED` */
  prepare(sql: string, format: RowFormat = PLAIN_ROWS): SqliteStatement {
    this.#require(sql)
    return new SqliteStatement(this.#session, this.#fence, sql, this.#session.prepare(sql, format))
  }

  /**
   * Begins a transaction that the holder of the lease ends by `commit` or `rollback`. `manager.transaction` does all that by
   * itself; this is for libraries that call the three one by one. It takes the lock for writing at once, unless it is
   * `readOnly` or the connection is.
   *
   * @throws DatabaseBusyError `SQLITE_BUSY`: another connection has held the lock for `busyTimeoutMs`
   * @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED`
   */
  async begin({ readOnly = false }: { readonly readOnly?: boolean } = {}): Promise<void> {
    this.#require('BEGIN')
    this.#fence?.noteUse(this.begin)
    await this.#session.begin(readOnly)
  }

  /**
   * Commits what `begin` has begun. If that fails, all of it is rolled back.
   *
   * @throws TransactionRolledBackError `CONNMGR_TRANSACTION_ROLLED_BACK`: SQLite had ended the transaction before
   * @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED`
   */
  async commit(): Promise<void> {
    this.#require('COMMIT')
    this.#fence?.noteUse(this.commit)
    await this.#session.commit(currentEffects())
  }

  /** Undoes what `begin` has begun, also after a `commit` that has failed. @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED` */
  async rollback(): Promise<void> {
    this.#require('ROLLBACK')
    this.#fence?.noteUse(this.rollback)
    this.#session.rollBack()
  }

  /** @internal Runs a prepared statement. @param below the function that the caller called */
  perform<T>(
    sql: string,
    format: RowFormat,
    below: (...args: never[]) => unknown,
    use: (statement: BoundStatement) => T,
  ): Promise<T> {
    const refused = this.#refusal(sql)
    if (refused !== undefined) return Promise.reject(refused)
    this.#fence?.noteUse(below)
    return this.#session.perform(sql, format, use)
  }

  #refusal(sql?: string): Error | undefined {
    return this.#fence === undefined || this.#fence.active ? undefined : this.#fence.refuse(sql)
  }

  #require(sql?: string): void {
    const refused = this.#refusal(sql)
    if (refused !== undefined) throw refused
  }

  /** What the borrower does not read to its end is closed with the lease. */
  #tidyAtEnd(): void {
    this.#fence?.onRelease(() => this.#session.closeCursors())
  }
}

/** A prepared statement. Synchronous: it fails with `SQLITE_BUSY` at once if another connection holds the lock. */
export class SqliteStatement {
  readonly #session: Session
  readonly #fence: LeaseFence | undefined
  readonly #sql: string
  readonly #bound: BoundStatement
  readonly #kind: StatementKind

  /** @internal Made by {@link SqliteConnection.prepare}. */
  constructor(session: Session, fence: LeaseFence | undefined, sql: string, bound: BoundStatement) {
    this.#session = session
    this.#fence = fence
    this.#sql = sql
    this.#bound = bound
    this.#kind = kindOf(sql)
  }

  /** True if the statement returns rows: a query, or a write with `returning`. */
  get reader(): boolean {
    return this.#bound.returnsRows
  }

  columns(): readonly SqliteColumn[] {
    return this.#bound.columns()
  }

  run(parameters: SqliteParameters = NO_PARAMETERS): RunResult {
    return this.#perform(this.run, (bound) => bound.run(parameters))
  }

  all<R = Record<string, unknown>>(parameters: SqliteParameters = NO_PARAMETERS): R[] {
    return this.#perform(this.all, (bound) => bound.all(parameters) as R[])
  }

  get<R = Record<string, unknown>>(parameters: SqliteParameters = NO_PARAMETERS): R | undefined {
    return this.#perform(this.get, (bound) => bound.get(parameters) as R | undefined)
  }

  #perform<T>(below: (...args: never[]) => unknown, use: (bound: BoundStatement) => T): T {
    const fence = this.#fence
    if (fence !== undefined) {
      if (!fence.active) throw fence.refuse(this.#sql)
      fence.noteUse(below)
    }
    return this.#session.performNow(this.#sql, this.#kind, this.#bound, use)
  }
}

/** @internal The session behind a connection, or behind what a lease has handed out for it. */
export function sessionOf(connection: SqliteConnection): Session {
  return readSession(connection)
}
