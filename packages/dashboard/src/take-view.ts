import { type ConnectionManager, percentilesOf } from '@connmgr/core'
import { systemClock, workingDirectory } from '@connmgr/core/driver'
import type { Insights } from '@connmgr/insights'
import type { ResolvedOptions } from './options.js'
import type { Timelines } from './timelines.js'
import { verdictOf } from './verdict.js'
import type { DashboardView, InsightsView, ManagerView } from './view.js'

/** Rows of each table of insights. */
const MOST_ROWS = 20

/** What the page shows now. It borrows no connection and asks no server. */
export function takeView(
  { insights, managers, title }: ResolvedOptions,
  timelines: Timelines,
): DashboardView {
  return {
    title,
    at: new Date(systemClock.wallTime()).toISOString(),
    directory: workingDirectory(),
    managers: managers().map((manager) =>
      managerView(manager, insights.get(manager.id), timelines),
    ),
  }
}

function managerView(
  manager: ConnectionManager<object>,
  insights: Insights | undefined,
  timelines: Timelines,
): ManagerView {
  const health = manager.getHealthStatus()
  const holders = manager.getHolders()
  const leaked = new Set(health.leakDetection.leaks.map(({ leaseId }) => leaseId))
  const { healthStats, healthy, monitored, poolMetrics, reason, resting, status } = health
  return {
    id: manager.id,
    name: manager.name,
    verdict: verdictOf(health, holders),
    health: { status, healthy, reason, monitored, resting, stats: healthStats },
    pool: poolMetrics,
    counts: manager.getCounts(),
    times: percentilesOf(manager.getHistograms()),
    holders: holders.map(({ checkedOutAt, checkedOutBy, stack, ...holder }) => ({
      ...holder,
      site: checkedOutBy,
      leaked: leaked.has(holder.leaseId),
    })),
    endpoints: health.failoverStats.endpoints.map((endpoint) => ({
      ...endpoint,
      since: endpoint.since.toISOString(),
      pool: manager.getPoolMetrics(endpoint.id),
    })),
    timeline: timelines.of(manager),
    insights: insights === undefined ? undefined : insightsView(insights),
    settings: manager.getPoolSettings(),
  }
}

function insightsView(insights: Insights): InsightsView {
  const { blocking, heldIdle, nPlusOne, slow, statements } = insights.snapshot()
  return {
    statements: statements.slice(0, MOST_ROWS),
    slow: slow.slice(0, MOST_ROWS),
    nPlusOne: nPlusOne.slice(0, MOST_ROWS),
    heldIdle: heldIdle.filter(({ exceeded, open }) => exceeded > 0 || open > 0).slice(0, MOST_ROWS),
    blocking: blocking.slice(0, MOST_ROWS),
    recommendations: insights
      .recommendations()
      .slice(0, MOST_ROWS)
      .map(({ fix, severity, title }) => ({ fix, severity, title })),
  }
}
