import type { ReplayOptions } from '@connmgr/core'
import type { FunctionReference, StatementTrace } from '@connmgr/core/driver'
import type { QueryOptions } from 'mysql2'
import type { MysqlConnectionManager } from '../connection-manager.js'
import type { Command } from '../internals.js'
import { isAtomic } from '../text/statement-text.js'
import { type Answer, type Lender, type PoolStatement, textOfCall } from './pool-query.js'

/** What one statement of a pool may ask for, beside what mysql2 knows. */
export interface PoolStatementOptions extends QueryOptions, ReplayOptions {
  /**
   * Ends the statement on the server when it fires, and closes its connection. The statement then fails with
   * `CONNMGR_ABORTED`, or with `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if it may have written. What answers by events, because it
   * has no callback, has none.
   */
  readonly signal?: AbortSignal
}

/** The statements of a pool, each on a connection that is borrowed for it. */
export class PoolStatements {
  readonly #manager: MysqlConnectionManager
  readonly #lender: Lender

  constructor(manager: MysqlConnectionManager, lender: Lender) {
    this.#manager = manager
    this.#lender = lender
  }

  /** Runs a statement that answers by callback, again if it has failed without effect and that is asked for. */
  run(sql: unknown, query: PoolStatement, answer: Answer): void {
    const { deadlineMs, replay = this.#manager.replayStatements } = replayOf(sql)
    if (replay === 'never' && deadlineMs === undefined) {
      query.run(answer, sql)
      return
    }
    const text = textOfCall(sql)
    const attempt = (): Promise<unknown[]> =>
      new Promise((resolve, reject) => {
        query.run((error, rows, fields) => (error ? reject(error) : resolve([rows, fields])), sql)
      })
    this.#manager
      .replayStatement(
        attempt,
        { replay, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
        text !== undefined && isAtomic(text),
      )
      .then(
        (results) => process.nextTick(answer, null, ...results),
        (error: unknown) => process.nextTick(answer, error),
      )
  }

  /** Runs what answers by events: the connection goes back when it has ended. */
  stream(query: Command, sql: unknown, below: FunctionReference): void {
    const { queries } = this.#manager
    if (!queries.active) {
      this.#stream(query, below)
      return
    }
    const trace = queries.begin(textOfCall(sql))
    trace.run(() => this.#stream(query, below, trace))
  }

  #stream(query: Command, below: FunctionReference, trace?: StatementTrace): void {
    const failed = (error: unknown): void => {
      trace?.failed(error)
      try {
        query.emit('error', error)
      } finally {
        query.emit('end')
      }
    }
    Promise.resolve(this.#lender.acquire(below, false)).then((lease) => {
      const connection = this.#lender.lend(lease)
      query.once('end', () => process.nextTick(() => this.#lender.takeBack(lease, connection)))
      const send = (): void => (connection.query as (query: unknown) => void)(query)
      try {
        if (trace === undefined) send()
        else trace.handOver(send)
      } catch (error) {
        // What cannot be made a statement is thrown.
        failed(error)
      }
    }, failed)
  }
}

/** What is ours in the options of a statement. */
function replayOf(sql: unknown): { replay?: 'never' | 'safe' | 'idempotent'; deadlineMs?: number } {
  return typeof sql === 'object' && sql !== null ? (sql as object) : {}
}
