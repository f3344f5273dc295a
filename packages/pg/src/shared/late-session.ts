import { ConnectionDestroyedError, ConnectionLostError, LeaseReleasedError } from '@connmgr/core'
import { currentEffects, type FunctionReference, type StatementTracer } from '@connmgr/core/driver'
import type { PoolClient } from 'pg'
import { textOf } from '../given-query.js'
import { refuse } from '../outcome/refusal.js'
import type { Lanes } from './lanes.js'
import { LateQuery, type LateQueryHost } from './late-query.js'
import type { RunAlone, SharedQuery } from './shared-query.js'

/** The pool that a late session belongs to. */
export interface LateHost {
  /** Undefined once nothing is shared any more. */
  readonly lanes: Lanes | undefined
  readonly queries: StatementTracer
  /** Borrows a connection. @param timeoutMs what is left of the time to wait for one */
  borrow(below: FunctionReference, timeoutMs: number | undefined): Promise<PoolClient>
}

/** Who uses a {@link LateSession}. */
export interface LateUser {
  /** The function that callers call for a query. */
  below(): FunctionReference
  /** Called once it has a connection, before anything is sent on that. */
  onBound(client: PoolClient): void
}

/**
 * What stands for the session of a client that has no connection yet. Statements that any session answers alike go one
 * after the other through the lanes of the pool; at the first that is none of these a connection is borrowed, for as long
 * as the client is lent. So the client has at most one session that anything it does can be seen in.
 */
export class LateSession implements LateQueryHost {
  readonly #host: LateHost
  readonly #user: LateUser
  #client: PoolClient | undefined
  /** A query is under way among others, or a connection is being borrowed. */
  #busy = false
  #mustBind = false
  #waiting: LateQuery[] = []
  /** The query that is under way among others. */
  #running: SharedQuery | undefined
  /** Starts the stopwatch for the query that waits for the connection. */
  #measure: (() => () => void) | undefined
  #released: { readonly error: Error | boolean | undefined } | undefined

  constructor(host: LateHost, user: LateUser) {
    this.#host = host
    this.#user = user
  }

  /** With a connection of its own, once it has one. */
  get client(): PoolClient | undefined {
    return this.#client
  }

  /** What `client.query` does. */
  query(args: unknown[]): unknown {
    if (this.#client !== undefined && !this.#busy) return sendOn(this.#client, args)
    if (this.#released !== undefined)
      return refuse(args, new LeaseReleasedError(undefined, 'released'))
    if (args[0] == null) throw new TypeError('Client was passed a null or undefined query')
    const { queries } = this.#host
    const trace = queries.active ? queries.begin(textOf(args[0])) : undefined
    const query = new LateQuery(args, this, trace)
    if (trace === undefined) this.#enqueue(query)
    else trace.run(() => this.#enqueue(query))
    return query.returned
  }

  /** Something was asked of the client that concerns its connection: no more goes through lanes. */
  bindSoon(): void {
    this.#mustBind = true
    if (!this.#busy && this.#client === undefined && this.#released === undefined) this.#bind()
  }

  /** Resolves with the client that has the connection. */
  async bound(): Promise<PoolClient> {
    if (this.#client !== undefined) return this.#client
    if (this.#released !== undefined) throw new LeaseReleasedError(undefined, 'released')
    this.#mustBind = true
    await this.query(['select 1'])
    return this.#client as unknown as PoolClient
  }

  /**
   * Ends the lease: what was handed over before is still run, as on a connection of its own. With an error that is given
   * up, as with the connection itself.
   */
  release(error?: Error | boolean): void {
    if (this.#released !== undefined)
      throw new Error('Release called on client which has already been released to the pool.')
    this.#released = { error }
    if (error) this.#giveUp(error)
    if (this.#client !== undefined && !this.#busy) this.#client.release(error)
  }

  ended(): void {
    this.#running = undefined
    this.#busy = false
    const next = this.#waiting.shift()
    if (next !== undefined) next.inFlow(() => this.#start(next))
    else if (this.#mustBind && this.#released === undefined) this.#bind()
  }

  needsConnection(query: LateQuery, { acquireTimeoutMs }: RunAlone): void {
    this.#running = undefined
    query.shared = undefined
    this.#waiting.unshift(query)
    this.#bind(acquireTimeoutMs)
  }

  #enqueue(query: LateQuery): void {
    if (this.#busy) {
      query.keepFlow()
      this.#waiting.push(query)
    } else this.#start(query)
  }

  #start(query: LateQuery): void {
    this.#busy = true
    if (!this.#mustBind && this.#share(query)) return
    this.#waiting.unshift(query)
    this.#bind()
  }

  /** False if it needs a connection of the client's own. */
  #share(query: LateQuery): boolean {
    const { lanes } = this.#host
    const { shareable } = query
    if (lanes === undefined || shareable === undefined) return false
    // Of work that may be run again its session notes what may have been written, in the flow of that.
    if (currentEffects() !== undefined) return false
    const statement = lanes.statementOfClient(shareable.query)
    if (statement === undefined) return false
    const shared = lanes.add(
      shareable.query,
      shareable.values,
      statement,
      query,
      this.#user.below(),
    )
    // There is no room, or its like has been slow: whether it still is shows when it runs.
    if (shared === undefined) this.#measure = lanes.stopwatchOf(statement)
    else if (shared.lane !== undefined) this.#running = shared
    query.shared = shared
    return shared !== undefined
  }

  #bind(timeoutMs?: number): void {
    this.#busy = true
    this.#host.borrow(this.#user.below(), timeoutMs).then(
      (client) => this.#bindTo(client),
      (error: unknown) => {
        this.#busy = false
        this.#measure = undefined
        for (const query of this.#waiting.splice(0)) query.fail(error)
      },
    )
  }

  #bindTo(client: PoolClient): void {
    this.#client = client
    this.#busy = false
    this.#user.onBound(client)
    let stop = this.#measure?.()
    this.#measure = undefined
    for (const query of this.#waiting.splice(0)) {
      query.runOn((...args) => sendOn(client, args), stop)
      stop = undefined
    }
    if (this.#released !== undefined) client.release(this.#released.error)
  }

  #giveUp(error: Error | true): void {
    const why = new ConnectionDestroyedError(
      'the client was released as one not to be used again',
      error === true ? undefined : error,
    )
    for (const query of this.#waiting.splice(0)) {
      const cause = { sent: false, deliberate: true }
      query.fail(new ConnectionLostError(`not sent: ${why.message}`, why, cause))
    }
    const running = this.#running
    running?.lane?.giveUp(running, why)
  }
}

function sendOn(client: PoolClient, args: readonly unknown[]): unknown {
  return (client.query as (...all: unknown[]) => unknown)(...args)
}
