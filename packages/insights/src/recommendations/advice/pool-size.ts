import {
  type DemandHistogram,
  demandQuantile,
  histogramQuantile,
  type PoolHistograms,
} from '@connmgr/core'
import type { InsightsSnapshot } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import { serversFor } from '../erlang.js'
import type { PoolFacts, RecommendationFacts } from '../facts.js'
import { settingNames } from '../names-of-settings.js'
import type { Recommendation } from '../recommendation.js'

/** What was measured for less says nothing. */
const SHORTEST_MS = 60_000
const FEWEST_LEASES = 100
/** Demand above the limit for less of the time is a burst that a queue is for. */
const SHARE_ABOVE = 0.01
/** Of bursts above what the pool serves on average, one after the start of a process, or of a server that paused, is none. */
const SHORTEST_OF_BURSTS_MS = 300_000
const SHARE_OF_BURSTS = 0.05
const NOTICED_WAIT_MS = 10
/** How many callers may wait with the size that is recommended. */
const MAY_WAIT = 0.01
/** What the server should keep free for others. */
const NEARLY_FULL = 0.8
/** If so much of the time held is idle, the code is what must change first. */
const MOSTLY_IDLE = 0.5

/** Whether the pool has the size that its callers need and its server can bear. */
export function poolSizeAdvice(
  snapshot: InsightsSnapshot,
  facts: RecommendationFacts,
): Recommendation[] {
  const { pool } = facts
  // A file of SQLite has one writer, however many wait for it.
  if (pool === undefined || snapshot.database === 'sqlite') return []
  const { pooler } = settingNames(snapshot.database)
  return [...tooSmall(snapshot, pool, facts, pooler), ...aboveServer(pool, facts, pooler)]
}

function tooSmall(
  snapshot: InsightsSnapshot,
  pool: PoolFacts,
  facts: RecommendationFacts,
  pooler: string,
): Recommendation[] {
  const limit = limitOf(pool)
  const busiest = busiestOf(pool)
  const { demand, use, wait } = busiest
  if (demand.totalMs < SHORTEST_MS || use.count < FEWEST_LEASES) return []
  const above = shareAbove(demand, limit)
  const p99Ms = histogramQuantile(wait, 0.99)
  if (above < SHARE_ABOVE || !(p99Ms >= NOTICED_WAIT_MS)) return []
  const load =
    (use.sumMs / use.count) * ((wait.count + pool.metrics.failedCheckouts) / demand.totalMs)
  const byFormula = serversFor(load, MAY_WAIT)
  if (byFormula <= limit && (demand.totalMs < SHORTEST_OF_BURSTS_MS || above < SHARE_OF_BURSTS))
    return []
  const p99 = demandQuantile(demand, 0.99)
  // No more than was ever wanted at once, and a queue makes that look like more than it is. What comes in bursts is not
  // foreseen by the formula.
  const needed =
    byFormula > limit ? Math.min(byFormula, demandQuantile(demand, 1)) : Math.min(p99, 2 * limit)
  const allowed = allowedByServer(facts, pool)
  const idle = snapshot.totals.heldMs > 0 ? snapshot.totals.heldIdleMs / snapshot.totals.heldMs : 0
  const size = Math.min(needed, allowed ?? needed)
  if (needed <= limit) return []
  return [
    {
      code: 'pool-too-small',
      severity: pool.metrics.failedCheckouts > 0 ? 'critical' : 'warning',
      title: `The pool of ${limit} connections is too small for what its callers do`,
      evidence: [
        `For ${percent(above)} of the time more than ${limit} connections were wanted; ${p99} were enough for 99 % of it`,
        `Callers waited ${durationText(p99Ms)} (p99)`,
        `${load.toFixed(1)} connections are in use on average, so that ${byFormula} let 1 % of the callers wait (Erlang C)`,
        ...(pool.metrics.failedCheckouts > 0
          ? [`${pool.metrics.failedCheckouts} callers got no connection`]
          : []),
        ...(allowed === undefined
          ? []
          : [`The server allows ${allowed} to each of ${facts.instances ?? 1} processes`]),
        ...(idle >= MOSTLY_IDLE
          ? [`Connections were held idle for ${percent(idle)} of the time that they were held`]
          : []),
      ],
      fix: fixOf({ limit, needed, size, idle, pooler }),
      costMs: wait.sumMs,
    },
  ]
}

function fixOf({
  idle,
  limit,
  needed,
  pooler,
  size,
}: Readonly<Record<'idle' | 'limit' | 'needed' | 'size', number>> & {
  readonly pooler: string
}): string {
  const first =
    idle >= MOSTLY_IDLE
      ? 'First release connections before slow work that needs none: that alone may be enough. Then set '
      : 'Set '
  if (size > limit)
    return `${first}poolSize and maxOverflow to ${size} together, and look again${size < needed ? `; the server has no room for the ${needed} that are needed, so hold connections for less time, or put a pooler such as ${pooler} before it` : ''}`
  return `The server has no room for more: hold connections for less time, run fewer processes, or put a pooler such as ${pooler} before it`
}

function aboveServer(
  pool: PoolFacts,
  facts: RecommendationFacts,
  pooler: string,
): Recommendation[] {
  const { instances = 1, server } = facts
  const allowed = allowedByServer(facts, pool)
  if (server === undefined || allowed === undefined) return []
  const limit = limitOf(pool)
  const wanted = limit * instances
  if (wanted <= server.usableConnections) return []
  const { usableConnections, usedConnections = 0 } = server
  const nearlyFull = usedConnections >= NEARLY_FULL * usableConnections
  const enough = demandQuantile(busiestOf(pool).demand, 0.999)
  return [
    {
      code: 'pool-above-server',
      severity: nearlyFull ? 'critical' : 'warning',
      title: `${instances === 1 ? 'The pool' : `The pools of ${instances} processes`} may open ${wanted} connections, and the server accepts ${usableConnections}`,
      evidence: [
        `poolSize and maxOverflow are ${limit} together, in each of ${instances} ${instances === 1 ? 'process' : 'processes'}`,
        `max_connections is ${server.maxConnections}, ${server.reservedConnections} of them reserved`,
        `${usedConnections} are open now, of all clients`,
        ...(Number.isNaN(enough) ? [] : [`${enough} were enough for 99.9 % of the time`]),
      ],
      fix: `Set poolSize and maxOverflow to ${Math.max(1, allowed)} together, share a ConnectionBudget, or put a pooler such as ${pooler} before the server`,
      costMs: 0,
    },
  ]
}

/** What each process may open without taking what others have; undefined if the server's limit is not known. */
function allowedByServer(
  { instances = 1, server }: RecommendationFacts,
  { metrics }: PoolFacts,
): number | undefined {
  if (server === undefined || server.maxConnections === 0) return undefined
  const ours = (metrics.checkedIn + metrics.checkedOut) * instances
  const others = Math.max(0, (server.usedConnections ?? 0) - ours)
  return Math.max(1, Math.floor((server.usableConnections - others) / instances))
}

function limitOf({ settings }: PoolFacts): number {
  return settings.poolSize + settings.maxOverflow
}

/** Sizes are those of each endpoint. */
function busiestOf({ histograms }: PoolFacts): PoolHistograms {
  const [first, ...rest] = histograms.endpoints
  if (first === undefined) return histograms
  return rest.reduce((most, each) => (each.use.sumMs > most.use.sumMs ? each : most), first)
}

function shareAbove({ levels, totalMs }: DemandHistogram, limit: number): number {
  const ms = levels.reduce((sum, each) => sum + (each.connections > limit ? each.ms : 0), 0)
  return totalMs === 0 ? 0 : ms / totalMs
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`
}
