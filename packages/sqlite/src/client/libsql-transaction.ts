import { currentEffects } from '@connmgr/core/driver'
import { type SqliteConnection, sessionOf } from '../connection.js'
import type { Session } from '../session/session.js'
import { clientError, toBatchError, toLibsqlError } from './libsql-error.js'
import { runForResultSet } from './result-set.js'
import type { IntMode, LibsqlInArgs, LibsqlInStatement, LibsqlResultSet } from './types.js'

const ROWS = { arrays: true, bigints: true }

/** What a transaction holds a connection by: a lease, or part of one. */
export interface Held {
  readonly connection: SqliteConnection
  readonly active: boolean
  release(): void
}

/**
 * A transaction of libSQL's client: it holds a connection of its own from its beginning to `commit`, `rollback` or
 * `close`, so that no other caller's statements come between. A failed `commit` has rolled back.
 */
export class LibsqlTransaction {
  readonly #held: Held
  readonly #session: Session
  readonly #intMode: IntMode
  #closed = false

  private constructor(held: Held, intMode: IntMode) {
    this.#held = held
    this.#session = sessionOf(held.connection)
    this.#intMode = intMode
  }

  /** @internal Begins a transaction on a connection. Releases it if that fails. */
  static async begin(held: Held, readOnly: boolean, intMode: IntMode): Promise<LibsqlTransaction> {
    const transaction = new LibsqlTransaction(held, intMode)
    try {
      await transaction.#session.begin(readOnly)
      return transaction
    } catch (error) {
      transaction.#end()
      throw toLibsqlError(error)
    }
  }

  /** True if it was committed or rolled back, by a call, by SQLite or with its connection. */
  get closed(): boolean {
    return this.#closed || !this.#held.active || !this.#session.inTransaction
  }

  async execute(statement: LibsqlInStatement, args?: LibsqlInArgs): Promise<LibsqlResultSet> {
    this.#requireOpen()
    return executeOn(this.#held.connection, statement, args, this.#intMode, this.execute)
  }

  async batch(
    statements: readonly (LibsqlInStatement | [string, LibsqlInArgs?])[],
  ): Promise<LibsqlResultSet[]> {
    const results: LibsqlResultSet[] = []
    for (const [index, statement] of statements.entries()) {
      try {
        this.#requireOpen()
        const [sql, args] = Array.isArray(statement) ? statement : [statement]
        results.push(await executeOn(this.#held.connection, sql, args, this.#intMode, this.batch))
      } catch (error) {
        throw toBatchError(error, index)
      }
    }
    return results
  }

  async executeMultiple(sql: string): Promise<void> {
    this.#requireOpen()
    await this.#held.connection.exec(sql).catch((error: unknown) => {
      throw toLibsqlError(error)
    })
  }

  async commit(): Promise<void> {
    this.#requireOpen()
    try {
      await this.#session.commit(currentEffects())
    } catch (error) {
      throw toLibsqlError(error)
    } finally {
      this.#end()
    }
  }

  /** Does nothing if it is closed, so that who rolls back after a failed commit gets to see why that failed. */
  async rollback(): Promise<void> {
    this.close()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.#held.active) return
    try {
      if (this.#session.whyBroken === undefined) this.#session.rollBack()
    } finally {
      this.#end()
    }
  }

  #end(): void {
    this.#closed = true
    if (this.#held.active) this.#held.release()
  }

  #requireOpen(): void {
    if (this.closed) throw clientError('The transaction is closed', 'TRANSACTION_CLOSED')
  }
}

/** Runs one statement as libSQL's client does. */
export async function executeOn(
  connection: SqliteConnection,
  statement: LibsqlInStatement,
  args: LibsqlInArgs | undefined,
  intMode: IntMode,
  below: (...args: never[]) => unknown,
): Promise<LibsqlResultSet> {
  const sql = typeof statement === 'string' ? statement : statement.sql
  const values = typeof statement === 'string' ? args : statement.args
  try {
    return await connection.perform(sql, ROWS, below, (bound) =>
      runForResultSet(bound, values, intMode),
    )
  } catch (error) {
    throw toLibsqlError(error)
  }
}
