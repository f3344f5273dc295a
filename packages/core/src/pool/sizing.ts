import type { PoolEntry } from './entry.js'
import type { PoolOptions } from './options.js'
import type { Waiter } from './waiter.js'

/** Time before the end of an idle connection of the reserve at which its successor is opened. */
const REPLACED_AHEAD_MS = 2000

/** The connections that a pool has, and the callers that want one. */
export interface Demand<C extends object> {
  /** Open connections, and those being opened. */
  readonly open: number
  readonly opening: number
  readonly testing: number
  readonly idle: Iterable<PoolEntry<C>> & { readonly size: number }
  readonly inUse: number
  readonly waiting: number
  readonly first: Waiter<C> | undefined
  /** Recent duration of a lease; `NaN` if not known. */
  readonly usualHeldMs: number
  /** Recent duration of a connect. */
  readonly usualConnectMs: number | undefined
}

/** Decides how many connections a pool may and should have. */
export class Sizing<C extends object> {
  poolSize: number
  maxOverflow: number
  /** Idle connections to keep in reserve. */
  minIdle: number
  readonly #options: PoolOptions<C>

  constructor(options: PoolOptions<C>) {
    this.#options = options
    this.poolSize = options.poolSize
    this.maxOverflow = options.maxOverflow
    this.minIdle = options.minIdle
  }

  keepReserve(on: boolean): void {
    this.minIdle = on ? this.#options.minIdle : 0
  }

  get limit(): number {
    return this.poolSize + this.maxOverflow
  }

  /** Whether to open a further connection. */
  wantsAnother(demand: Demand<C>, now: number): boolean {
    const { idle, open, opening, testing, waiting } = demand
    if (open >= this.limit) return false
    const coming = opening + testing
    if (waiting > coming) return opening === 0 || !willSoonBeServed(demand, now)
    const expiring = this.expiring(idle, now)
    const lasting = idle.size - expiring + coming - waiting
    return lasting < this.minIdle && open - expiring < this.poolSize
  }

  /** Counts idle connections so near to their end that a successor must be opened first. */
  expiring(idle: Iterable<PoolEntry<C>>, now: number): number {
    const { maxLifetimeMs } = this.#options
    // Without a reserve nothing is lost if one ends before its successor is wanted.
    if (this.minIdle === 0) return 0
    const ahead = Math.min(REPLACED_AHEAD_MS, maxLifetimeMs / 10)
    let expiring = 0
    for (const entry of idle) if (entry.expiresAt - ahead <= now) expiring += 1
    return expiring
  }
}

/**
 * True if the queue is likely to be served by connections that come back before a further one could be opened: then
 * one connection on its way is enough, and a short burst does not leave a pool full of connections behind.
 */
function willSoonBeServed<C extends object>(demand: Demand<C>, now: number): boolean {
  const { first, inUse, usualConnectMs, waiting } = demand
  if (usualConnectMs === undefined || inUse === 0 || first === undefined) return false
  // A waiter that has waited longer proves the estimate wrong.
  const waitedMs = now - first.enqueuedAt
  const usualHeldMs = demand.usualHeldMs || 0
  return waitedMs < usualConnectMs && (waiting * usualHeldMs) / inUse < usualConnectMs
}
