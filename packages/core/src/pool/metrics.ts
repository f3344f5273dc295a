import type { LeakCounts, PoolCounts } from '../vocabulary/counts.js'

/** What a pool has done and is doing. A snapshot. */
export interface PoolMetrics {
  /** `poolSize`: connections kept open when idle. */
  readonly size: number
  /** Idle connections. */
  readonly checkedIn: number
  /** Connections in callers' hands. */
  readonly checkedOut: number
  /** Open connections above `size`. */
  readonly overflow: number
  /** Successful acquires since the start. */
  readonly totalCheckouts: number
  readonly totalConnectionsCreated: number
  readonly totalConnectionsClosed: number
  /** Leases reported as leaked since the start. */
  readonly leakedConnections: number
  /** Leases over the leak threshold right now. */
  readonly activeLeaks: number
  /** Acquires that failed: timed out, aborted, refused or closed. */
  readonly failedCheckouts: number
  /** Mean time a connection was held, over all returned leases. */
  readonly avgCheckoutTimeMs: number
  /** Mean time from acquire to lending, over all successful acquires. */
  readonly avgWaitTimeMs: number
  /** Callers queued for a connection right now. */
  readonly waiting: number
  /** Connections being opened right now. */
  readonly connecting: number
  /** `checkedOut / limit`, from 0 to 1. */
  readonly utilization: number
  /** `poolSize + maxOverflow`. */
  readonly limit: number
}

/** Running totals of one pool. */
export class PoolTotals {
  checkouts = 0
  created = 0
  closed = 0
  failedCheckouts = 0
  returned = 0
  heldMs = 0
  waitedMs = 0
}

/** One pool, as {@link combineMetrics} needs to see it. */
export interface MeasuredPool {
  readonly counts: PoolCounts
  readonly totals: PoolTotals
  readonly size: number
  readonly leaks: LeakCounts
  /** Whether its capacity counts: a standby without readers is no room for writers. */
  readonly inService: boolean
}

/** The counts of several pools taken as one, and of callers that stand in none of them. */
export function sumCounts(counts: readonly PoolCounts[], waitingElsewhere: number): PoolCounts {
  const sum = {
    total: 0,
    idle: 0,
    inUse: 0,
    testing: 0,
    cleaning: 0,
    connecting: 0,
    waiting: waitingElsewhere,
    overflow: 0,
    limit: 0,
  }
  for (const each of counts)
    for (const state of Object.keys(sum) as (keyof PoolCounts)[]) sum[state] += each[state]
  return sum
}

/** The metrics of several pools taken as one. */
export function combineMetrics(pools: readonly MeasuredPool[]): PoolMetrics {
  const sum = (read: (pool: MeasuredPool) => number): number =>
    pools.reduce((total, pool) => total + read(pool), 0)
  const checkouts = sum((pool) => pool.totals.checkouts)
  const returned = sum((pool) => pool.totals.returned)
  const checkedOut = sum((pool) => pool.counts.inUse)
  const limit = sum((pool) => (pool.inService ? pool.counts.limit : 0))
  return {
    size: sum((pool) => (pool.inService ? pool.size : 0)),
    checkedIn: sum((pool) => pool.counts.idle),
    checkedOut,
    overflow: sum((pool) => pool.counts.overflow),
    totalCheckouts: checkouts,
    totalConnectionsCreated: sum((pool) => pool.totals.created),
    totalConnectionsClosed: sum((pool) => pool.totals.closed),
    leakedConnections: sum((pool) => pool.leaks.detected),
    activeLeaks: sum((pool) => pool.leaks.active),
    failedCheckouts: sum((pool) => pool.totals.failedCheckouts),
    avgCheckoutTimeMs: returned === 0 ? 0 : sum((pool) => pool.totals.heldMs) / returned,
    avgWaitTimeMs: checkouts === 0 ? 0 : sum((pool) => pool.totals.waitedMs) / checkouts,
    waiting: sum((pool) => pool.counts.waiting),
    connecting: sum((pool) => pool.counts.connecting),
    utilization: limit === 0 ? 0 : checkedOut / limit,
    limit,
  }
}
