import { ConnectionLostError, type Lease, type ManagerAcquireOptions } from '@connmgr/core'
import {
  currentEffects,
  type FunctionReference,
  type StatementTrace,
  unnoted,
  type WriteEnd,
} from '@connmgr/core/driver'
import type { Client, QueryResult } from 'pg'
import { notSent } from './aborted-query.js'
import type { Catalogs } from './catalog/catalog.js'
import { isDead } from './client-internals.js'
import { textOf } from './given-query.js'
import { leadingHere } from './leading-here.js'
import { endOfFailed, mayWrite } from './outcome/in-flight.js'
import { wasStale } from './prepared-statements.js'
import { signalOf } from './query-options.js'
import type { Lanes } from './shared/lanes.js'
import { type Caller, RunAlone, type SharedQuery } from './shared/shared-query.js'
import { rowCountOf } from './traced-statement.js'

/** The pool as those see it who borrow its connections. */
export interface Lender {
  /** @param again for a request that has had a connection before; @default false */
  acquire(
    wanted: ManagerAcquireOptions,
    below: FunctionReference,
    again?: boolean,
  ): Promise<Lease<Client>>
  /** To be called when a lease begins. */
  lend(lease: Lease<Client>): Client
  /** Ends the lease. @param error true or the reason if the connection must not be lent again */
  takeBack(lease: Lease<Client>, client: Client, error?: Error | boolean): void
  /** Of the databases that its connections lead to. */
  readonly catalogs: Catalogs
}

/** Of connections that die between being lent and reaching the caller; the last one goes to the caller as it is. */
const MOST_ATTEMPTS = 3

/**
 * True if a connection has died between being lent and reaching its caller: a server that answers and ends
 * the session in one go does that. Nothing has been sent on it yet, so another one is as good.
 */
export function diedOnTheWay(lease: Lease<Client>, attempt: number): boolean {
  return attempt < MOST_ATTEMPTS && isDead(lease.entry.connection)
}

/** One call of `pool.query`: runs on a connection shared with others if it may, and otherwise on one of its own. */
export class PoolQuery implements Caller {
  readonly #lender: Lender
  readonly #wanted: ManagerAcquireOptions
  readonly #query: unknown
  readonly #values: unknown
  readonly #below: FunctionReference
  readonly #resolve: (result: QueryResult | Promise<never>) => void
  readonly #reject: (reason: unknown) => void
  /** It is not the first that is asked for it. */
  #again: boolean
  /** If the caller's work may be run again: notes there how what it writes has ended. */
  #endWrite: ((end: WriteEnd) => void) | undefined
  #signal: AbortSignal | undefined
  /** For its subscribers, if there are any. */
  readonly #trace: StatementTrace | undefined
  /** While it is followed: how it is among others. */
  #shared: SharedQuery | undefined
  /** Set while it is under way among others. */
  #stopListening: (() => void) | undefined

  constructor(
    lender: Lender,
    wanted: ManagerAcquireOptions,
    query: unknown,
    values: unknown,
    below: FunctionReference,
    resolve: (result: QueryResult | Promise<never>) => void,
    reject: (reason: unknown) => void,
    again: boolean,
    trace: StatementTrace | undefined,
  ) {
    this.#trace = trace
    this.#again = again
    this.#lender = lender
    this.#wanted = wanted
    this.#query = query
    this.#values = values
    this.#below = below
    this.#resolve = resolve
    this.#reject = reject
  }

  start(lanes: Lanes | undefined): void {
    try {
      const effects = currentEffects()
      this.#signal = signalOf(this.#query)
      if (this.#signal?.aborted === true) throw notSent(this.#signal)
      if (effects !== undefined && this.#mayHaveWritten()) this.#endWrite = effects.begin()
    } catch (error) {
      this.#trace?.failed(error)
      this.#reject(error)
      return
    }
    const statement = lanes?.statementOf(this.#query)
    if (lanes === undefined || statement === undefined) this.#runAlone(this.#query, this.#alone())
    else {
      const shared = lanes.add(this.#query, this.#values, statement, this, this.#below)
      if (this.#trace !== undefined) this.#shared = shared
      if (shared === undefined)
        this.#runAlone(this.#query, this.#alone(), lanes.stopwatchOf(statement))
      else if (this.#signal !== undefined) this.#abortIn(shared, this.#signal)
    }
  }

  resolve(result: QueryResult): void {
    this.#stopListening?.()
    // By now it has had a connection, and with that the catalog is known.
    if (this.#endWrite !== undefined && !this.#mayHaveWritten()) this.#endWrite('undone')
    if (this.#trace !== undefined) {
      this.#traceShared(this.#trace)
      this.#trace.succeeded(rowCountOf(result))
    }
    this.#resolve(result)
  }

  reject(reason: unknown): void {
    this.#stopListening?.()
    if (reason instanceof RunAlone) this.#runAgain(reason)
    else {
      this.#endWrite?.(endOfFailed(textOf(this.#query), reason))
      if (this.#trace !== undefined) {
        this.#traceShared(this.#trace)
        this.#trace.failed(reason)
      }
      this.#resolve(leadingHere(reason))
    }
  }

  /** @param measure starts a stopwatch, which it returns the stop of */
  #runAlone(
    query: unknown,
    wanted: ManagerAcquireOptions,
    measure?: () => () => void,
    attempt = 1,
  ): void {
    // What it writes is noted here, and not by its connection, too.
    const again = this.#again
    this.#again = true
    unnoted(() => this.#lender.acquire(wanted, this.#below, again)).then(
      (lease) => {
        if (!diedOnTheWay(lease, attempt)) {
          const again = (): void => this.#runAlone(query, wanted, measure, attempt + 1)
          this.#runOn(lease, query, measure?.(), attempt < MOST_ATTEMPTS ? again : undefined)
          return
        }
        lease.destroy()
        this.#runAlone(query, wanted, measure, attempt + 1)
      },
      (error: unknown) => {
        this.#endWrite?.('undone')
        this.#trace?.failed(error)
        this.#reject(error)
      },
    )
  }

  /** @param again runs it on another connection */
  #runOn(
    lease: Lease<Client>,
    query: unknown,
    stop: (() => void) | undefined,
    again: (() => void) | undefined,
  ): void {
    const client = this.#lender.lend(lease)
    const settled = (error: unknown, result?: QueryResult): void => {
      stop?.()
      const retry = error && (wasStale(error, query) || (neverSent(error) && isRepeatable(query)))
      if (error && !(retry && again !== undefined)) this.reject(error)
      else if (!error) this.resolve(result as QueryResult)
      this.#lender.takeBack(lease, client)
      if (retry) again?.()
    }
    try {
      // Of a submittable, which is no promise, the result is to be had by a callback alone, which an older
      // node-postgres takes as the second argument only.
      const args = isRepeatable(query) ? [query, this.#values, settled] : [query, settled]
      const send = (): unknown =>
        unnoted(() => (client.query as (...all: unknown[]) => unknown)(...args))
      if (this.#trace === undefined) send()
      else this.#trace.handOver(send)
    } catch (error) {
      settled(error)
    }
  }

  /** The server has answered it among others, or its lane has given it up. */
  #traceShared(trace: StatementTrace): void {
    const { lane } = this.#shared ?? {}
    if (this.#shared !== undefined && lane !== undefined) lane.trace(this.#shared, trace)
  }

  /** What it asks for to run by itself. */
  #alone(): ManagerAcquireOptions {
    return this.#signal === undefined ? this.#wanted : { ...this.#wanted, signal: this.#signal }
  }

  #abortIn(shared: SharedQuery, signal: AbortSignal): void {
    this.#stopListening = onceAborted(signal, () => shared.lane?.abort(shared, signal))
  }

  #mayHaveWritten(): boolean {
    const { catalogs: catalog } = this.#lender
    return mayWrite({ text: textOf(this.#query), status: 'I', catalog })
  }

  /** Came to nothing among others; runs by itself within the time that is left. */
  #runAgain({ acquireTimeoutMs, queryTimeoutMs }: RunAlone): void {
    this.#again = true
    this.#shared = undefined
    const config = typeof this.#query === 'string' ? { text: this.#query } : (this.#query as object)
    this.#runAlone(
      queryTimeoutMs === undefined ? this.#query : { ...config, query_timeout: queryTimeoutMs },
      acquireTimeoutMs === undefined
        ? this.#alone()
        : { ...this.#alone(), timeoutMs: acquireTimeoutMs },
    )
  }
}

/** Calls `act` once a signal fires, until what it returns is called. */
function onceAborted(signal: AbortSignal, act: () => void): () => void {
  signal.addEventListener('abort', act, { once: true })
  return () => signal.removeEventListener('abort', act)
}

/** PgBouncer had no server for it, for example: nothing can have come of it. */
function neverSent(error: unknown): boolean {
  return error instanceof ConnectionLostError && !error.sent && !error.deliberate
}

/** False for what keeps state of its own about being sent, such as a cursor. */
function isRepeatable(query: unknown): boolean {
  return typeof (query as { submit?: unknown } | null | undefined)?.submit !== 'function'
}
