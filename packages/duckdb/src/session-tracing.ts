import {
  beginTrace,
  type ConnectionActivity,
  type StatementTrace,
  type StatementTracer,
  TransactionTrace,
} from '@connmgr/core/driver'
import { rowCountOf } from './row-count.js'
import { verbOf } from './statement-text.js'

/**
 * Publishes the statements of the borrowers of one connection, with the transactions they are in. DuckDB cannot be asked
 * whether it is in one: the texts that were sent say so.
 */
export class SessionTracing {
  readonly #queries: StatementTracer | undefined
  readonly #activity: ConnectionActivity
  readonly #transactions = new TransactionTrace()
  /** A text of {@link #lease} has begun a transaction, and none has ended it. */
  #inside = false
  #lease: object | undefined

  constructor(queries: StatementTracer | undefined, activity: ConnectionActivity) {
    this.#queries = queries
    this.#activity = activity
  }

  /** Begins to publish a statement, if there is a subscriber. */
  begin(sql: string): StatementTrace | undefined {
    return beginTrace(this.#queries, this.#activity, sql)
  }

  /**
   * Publishes how a statement ends that {@link begin} has begun to publish.
   *
   * @param inTransaction whether the engine has begun a transaction on the connection, which is still open
   * @param run runs the statement, and notes when it is sent
   */
  follow<T>(
    trace: StatementTrace,
    sql: string,
    inTransaction: boolean,
    run: () => Promise<T>,
  ): Promise<T> {
    return trace.run(() => this.#follow(trace, sql, inTransaction, run))
  }

  async #follow<T>(
    trace: StatementTrace,
    sql: string,
    inTransaction: boolean,
    run: () => Promise<T>,
  ): Promise<T> {
    const verb = verbOf(sql)
    const { lease } = this.#activity
    const before = inTransaction || (this.#inside && this.#lease === lease)
    const note = (done: boolean): void => {
      const after = done && verb !== undefined ? verb === 'begin' : before && verb !== 'commit'
      this.#inside = after
      this.#lease = lease
      trace.inTransaction(
        this.#transactions.of({ before, after, committed: done && verb === 'commit', lease }),
      )
    }
    try {
      const result = await run()
      trace.answered()
      note(true)
      trace.succeeded(rowCountOf(result))
      return result
    } catch (error) {
      trace.answered()
      note(false)
      trace.failed(error)
      throw error
    }
  }
}
