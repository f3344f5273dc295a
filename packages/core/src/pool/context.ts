import type { ConnectionSignal, Driver, Endpoint, Role } from '../driver/contract.js'
import type { FailureKind } from '../driver/failure-kind.js'
import type { StatementTracer } from '../driver/statement-trace.js'
import type { Runtime } from '../runtime.js'
import { ResponseTimes } from '../time/response-times.js'
import type { Budget } from './connection-budget.js'
import type { PoolOptions } from './options.js'
import { PoolMeasures } from './pool-measures.js'

/** The manager as its pools see it: they report to it, and never ask it what to do with a connection. */
export interface PoolObserver {
  /** The manager's epoch, which each lease notes at its start. */
  readonly epoch: number
  connected(endpoint: Endpoint): void
  /**
   * `give-up` fails the callers now queued; `retry` keeps trying until their deadlines.
   *
   * @param asked whether a probe has waited for the connection, and reports the failure by itself
   */
  connectFailed(
    endpoint: Endpoint,
    kind: FailureKind,
    error: Error,
    asked: boolean,
  ): 'retry' | 'give-up'
  /** The driver reported trouble on a connection, unasked. */
  signalled(endpoint: Endpoint, signal: ConnectionSignal): void
  /** A connection leads to a server in another role than required. It was not lent. */
  roleMismatch(endpoint: Endpoint, seen: Role): void
  /** A pool that winds down has nothing left. */
  drained(): void
}

/** What a pool is made of, besides the runtime of its manager. */
export interface PoolConfig<C extends object> {
  readonly endpoint: Endpoint
  readonly driver: Driver<C>
  readonly options: PoolOptions<C>
  readonly observer: PoolObserver
  /** A limit that the pools share with those of other managers. */
  readonly budget?: Budget | undefined
}

/** What the parts of one pool share. A class, so that those of all pools have one shape, which the hot path reads fastest. */
export class PoolContext<C extends object> implements PoolConfig<C> {
  readonly runtime: Runtime
  readonly endpoint: Endpoint
  readonly driver: Driver<C>
  readonly options: PoolOptions<C>
  readonly observer: PoolObserver
  readonly budget: Budget | undefined
  /** Publishes the statements of this endpoint's borrowers. */
  readonly queries: StatementTracer
  readonly measures: PoolMeasures
  /** How soon the server answers. */
  readonly times = new ResponseTimes()

  constructor(runtime: Runtime, { budget, driver, endpoint, observer, options }: PoolConfig<C>) {
    this.runtime = runtime
    this.measures = new PoolMeasures(runtime.clock.now(), runtime)
    this.queries = runtime.queries.at(endpoint.id)
    this.endpoint = endpoint
    this.driver = driver
    this.options = options
    this.observer = observer
    this.budget = budget
  }
}
