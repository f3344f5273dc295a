import type { ManagerAcquireOptions } from '@connmgr/core'
import type { FunctionReference, StatementTrace } from '@connmgr/core/driver'
import type { QueryResult } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { textOf } from './given-query.js'
import { type Lender, PoolQuery } from './pool-query.js'
import { type QueryReplay, replayOptionsOf } from './query-options.js'
import type { PoolSharing } from './shared/pool-sharing.js'
import { isAtomic } from './statement-text.js'

/** Runs what `pool.query` is called with: again if that was asked for, and published if there is a subscriber. */
export class PoolQueries {
  readonly #manager: PgConnectionManager
  readonly #lender: Lender
  readonly #sharing: PoolSharing | undefined
  readonly #wanted: ManagerAcquireOptions

  /** @param wanted what a query asks for to run on a connection of its own */
  constructor(
    manager: PgConnectionManager,
    lender: Lender,
    sharing: PoolSharing | undefined,
    wanted: ManagerAcquireOptions,
  ) {
    this.#manager = manager
    this.#lender = lender
    this.#sharing = sharing
    this.#wanted = wanted
  }

  /** @param below the function that the caller called */
  run(text: unknown, values: unknown, below: FunctionReference): Promise<QueryResult> {
    let options: QueryReplay | undefined
    try {
      options = replayOptionsOf(text, this.#manager.replayStatements)
    } catch (error) {
      return Promise.reject(error)
    }
    if (options === undefined) return this.#runOnce(text, values, below)
    const sql = textOf(text)
    let attempts = 0
    return this.#manager.replayStatement(
      () => {
        attempts += 1
        return this.#runOnce(text, values, below, attempts > 1)
      },
      options,
      sql !== undefined && isAtomic(sql),
    )
  }

  /** @param again for another attempt at it */
  #runOnce(
    text: unknown,
    values: unknown,
    below: FunctionReference,
    again = false,
  ): Promise<QueryResult> {
    const { queries } = this.#manager
    if (!queries.active) return this.#start(text, values, below, again)
    const trace = queries.begin(textOf(text))
    return trace.run(() => this.#start(text, values, below, again, trace))
  }

  #start(
    text: unknown,
    values: unknown,
    below: FunctionReference,
    again: boolean,
    trace?: StatementTrace,
  ): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const query = new PoolQuery(
        this.#lender,
        this.#wanted,
        text,
        values,
        below,
        resolve,
        reject,
        again,
        trace,
      )
      query.start(this.#sharing?.lanes)
    })
  }
}
