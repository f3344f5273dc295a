import type { ConnectionManager, Lease, Target } from '@connmgr/core'
import { type SqliteConnection, sessionOf } from '../connection.js'
import { primaryOf, resultCodeOf, SQLITE_READONLY } from '../result-codes.js'
import { kindOf } from '../text/statement-kind.js'
import { clientError, toLibsqlError } from './libsql-error.js'
import { executeOn, LibsqlTransaction } from './libsql-transaction.js'
import { tracedCall } from './traced-call.js'
import type {
  IntMode,
  LibsqlInArgs,
  LibsqlInStatement,
  LibsqlResultSet,
  LibsqlTransactionMode,
} from './types.js'

type BatchStatement = LibsqlInStatement | [string, LibsqlInArgs?]
type Below = (...args: never[]) => unknown

/** What a client is made of. */
export interface LibsqlClientSettings {
  readonly manager: ConnectionManager<SqliteConnection>
  /** `primary` for one that writes, `standby` for one that only reads. */
  readonly target: Target
  readonly intMode: IntMode
}

const MODES: readonly LibsqlTransactionMode[] = ['write', 'read', 'deferred']

/**
 * libSQL's `Client` over a manager, for every library that takes one.
 *
 * Statements that plainly read go to the readers of the database, so that they do not queue behind a transaction that
 * holds the writer. They see every write that was acknowledged before they were called: in WAL mode a commit is there for
 * all connections at once. All others go to the writer. What a session keeps (temporary tables, pragmas, attached
 * databases) lasts as long as its lease: for one statement, or one transaction.
 */
export class LibsqlClient {
  readonly protocol = 'file'
  readonly #settings: LibsqlClientSettings
  #closed = false

  constructor(settings: LibsqlClientSettings) {
    this.#settings = settings
  }

  get closed(): boolean {
    return this.#closed || this.#settings.manager.closed
  }

  async execute(statement: LibsqlInStatement, args?: LibsqlInArgs): Promise<LibsqlResultSet> {
    const sql = typeof statement === 'string' ? statement : statement.sql
    return tracedCall(this.#settings.manager.queries, sql, (handOver) =>
      this.#execute(sql, (connection) =>
        handOver(() =>
          executeOn(connection, statement, args, this.#settings.intMode, this.execute),
        ),
      ),
    )
  }

  async #execute(
    sql: string,
    run: (connection: SqliteConnection) => Promise<LibsqlResultSet>,
  ): Promise<LibsqlResultSet> {
    if (!this.#mayRead([sql])) return this.#with(this.#settings.target, this.execute, run)
    try {
      return await this.#with('prefer-standby', this.execute, run)
    } catch (error) {
      // It does write, whatever its text looks like: through a function of an extension, for example.
      if (!isRefusedWrite(error) || this.#settings.target !== 'primary') throw error
      return this.#with('primary', this.execute, run)
    }
  }

  async batch(
    statements: readonly BatchStatement[],
    mode: LibsqlTransactionMode = 'deferred',
  ): Promise<LibsqlResultSet[]> {
    requireMode(mode)
    const texts = statements.map((each) =>
      typeof each === 'string' ? each : Array.isArray(each) ? each[0] : each.sql,
    )
    const readOnly = mode === 'read' || (mode === 'deferred' && this.#mayRead(texts))
    const transaction = await this.#begin(readOnly, this.batch)
    try {
      const results = await transaction.batch(statements)
      await transaction.commit()
      return results
    } finally {
      transaction.close()
    }
  }

  /** A batch with foreign keys switched off. */
  async migrate(statements: readonly LibsqlInStatement[]): Promise<LibsqlResultSet[]> {
    this.#requireOpen()
    const lease = await this.#acquire('primary', this.migrate)
    const { connection } = lease
    try {
      const before = await connection.get<{ foreign_keys: number }>('PRAGMA foreign_keys')
      await connection.exec('PRAGMA foreign_keys = 0')
      const transaction = await LibsqlTransaction.begin(
        { connection, active: true, release: () => {} },
        false,
        this.#settings.intMode,
      )
      try {
        const results = await transaction.batch(statements)
        await transaction.commit()
        return results
      } finally {
        transaction.close()
        await connection.exec(`PRAGMA foreign_keys = ${before?.foreign_keys ?? 1}`)
      }
    } catch (error) {
      throw toLibsqlError(error)
    } finally {
      if (lease.active) lease.release()
    }
  }

  /**
   * Begins a transaction. `write` and `deferred` hold the lock for writing from the beginning, so that no statement of
   * theirs ever finds another writer before it; `read` reads on a snapshot.
   */
  async transaction(mode: LibsqlTransactionMode = 'write'): Promise<LibsqlTransaction> {
    requireMode(mode)
    return this.#begin(mode === 'read', this.transaction)
  }

  async executeMultiple(sql: string): Promise<void> {
    await tracedCall(this.#settings.manager.queries, sql, (handOver) =>
      this.#executeMultiple((connection) => handOver(() => connection.exec(sql))),
    )
  }

  async #executeMultiple(run: (connection: SqliteConnection) => Promise<void>): Promise<void> {
    await this.#with(this.#settings.target, this.executeMultiple, async (connection) => {
      try {
        await run(connection)
      } catch (error) {
        throw toLibsqlError(error)
      } finally {
        const session = sessionOf(connection)
        if (session.inTransaction) session.rollBack()
      }
    })
  }

  /** There is nothing to synchronize with. */
  async sync(): Promise<undefined> {
    throw clientError(
      'a local database has no remote one to synchronize with',
      'SYNC_NOT_SUPPORTED',
    )
  }

  /** Closes this client, not the manager that it belongs to. */
  close(): void {
    this.#closed = true
  }

  reconnect(): void {
    this.#closed = false
  }

  async #begin(readOnly: boolean, below: Below): Promise<LibsqlTransaction> {
    this.#requireOpen()
    const { target, intMode } = this.#settings
    const lease = await this.#acquire(readOnly ? 'prefer-standby' : target, below)
    return LibsqlTransaction.begin(lease, readOnly, intMode)
  }

  async #with<T>(
    target: Target,
    below: Below,
    work: (connection: SqliteConnection) => Promise<T>,
  ): Promise<T> {
    this.#requireOpen()
    const lease = await this.#acquire(target, below)
    try {
      return await work(lease.connection)
    } finally {
      if (lease.active) lease.release()
    }
  }

  #acquire(target: Target, below: Below): Promise<Lease<SqliteConnection>> {
    return this.#settings.manager.lend({ target }, below)
  }

  #mayRead(texts: readonly string[]): boolean {
    return texts.every((sql) => kindOf(sql).reads)
  }

  #requireOpen(): void {
    if (this.#closed) throw clientError('The client is closed', 'CLIENT_CLOSED')
  }
}

function requireMode(mode: LibsqlTransactionMode): void {
  if (!MODES.includes(mode))
    throw new RangeError(
      `unknown transaction mode ${JSON.stringify(mode)}; known are "write", "read" and "deferred"`,
    )
}

function isRefusedWrite(error: unknown): boolean {
  const code = resultCodeOf(error)
  return code !== undefined && primaryOf(code) === SQLITE_READONLY
}
