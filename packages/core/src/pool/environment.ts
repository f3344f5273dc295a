import type { ConnectionSignal, Driver, Endpoint, FailureKind, Role } from '../driver/contract.js'
import type { EventEmitter } from '../events/emitter.js'
import type { Effects } from '../flow/effects.js'
import type { SqlReports } from '../secrets/sql-reports.js'
import type { Clock } from '../time/clock.js'
import type { Deadlines } from '../time/deadlines.js'
import { ResponseTimes } from '../time/response-times.js'
import type { StallMonitor } from '../time/stall.js'
import type { Budget } from './connection-budget.js'
import type { PoolOptions } from './options.js'

/** What a pool reports to the policies around it. It never asks them what to do with a connection. */
export interface PoolObserver {
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

/** What the pools of one manager share. */
export interface PoolEnvironment {
  /** The manager's name. */
  readonly name: string
  readonly clock: Clock
  readonly events: EventEmitter
  readonly deadlines: Deadlines
  readonly stall: StallMonitor
  readonly sql: SqlReports
  readonly observer: PoolObserver
  /** A limit that the pools share with those of other managers. */
  readonly budget?: Budget | undefined
  /** The current epoch of the manager. */
  readonly epoch: () => number
  /** Effects of the unit of work that is running, if that may be run again. */
  readonly effects: () => Effects | undefined
}

/** What the parts of one pool share. */
export interface PoolContext<C extends object> extends PoolEnvironment {
  readonly endpoint: Endpoint
  readonly driver: Driver<C>
  readonly options: PoolOptions<C>
  /** How soon the server answers. */
  readonly times: ResponseTimes
}

/** Written out rather than spread: so the contexts of all pools have one shape, which the hot path reads fastest. */
export function contextOf<C extends object>(
  { budget, clock, deadlines, effects, epoch, events, name, observer, sql, stall }: PoolEnvironment,
  endpoint: Endpoint,
  driver: Driver<C>,
  options: PoolOptions<C>,
): PoolContext<C> {
  const times = new ResponseTimes()
  return {
    name,
    clock,
    events,
    deadlines,
    stall,
    sql,
    observer,
    budget,
    epoch,
    effects,
    endpoint,
    driver,
    options,
    times,
  }
}

/** Whether the process has stood still since `stops` was read: an answer read now may have arrived before that. */
export function hasStoppedSince(
  stops: number,
  { clock, stall }: Pick<PoolEnvironment, 'clock' | 'stall'>,
): boolean {
  stall.look(clock.now())
  return stall.stops !== stops
}
