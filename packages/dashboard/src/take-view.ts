import {
  type ConnectionManager,
  demandQuantile,
  type Histogram,
  histogramQuantile,
} from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import type { Insights } from '@connmgr/insights'
import type { ResolvedOptions } from './options.js'
import type { Timelines } from './timelines.js'
import { verdictOf } from './verdict.js'
import type { DashboardView, InsightsView, ManagerView, TimesView } from './view.js'

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

/** Empty if it has been removed. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
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
    times: timesOf(manager),
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

function timesOf(manager: ConnectionManager<object>): TimesView {
  const { create, demand, use, wait } = manager.getHistograms()
  const at = (histogram: Histogram, share: number): number | undefined =>
    known(histogramQuantile(histogram, share))
  return {
    waitP50Ms: at(wait, 0.5),
    waitP99Ms: at(wait, 0.99),
    useP50Ms: at(use, 0.5),
    useP99Ms: at(use, 0.99),
    createP99Ms: at(create, 0.99),
    demandP99: demand.totalMs === 0 ? undefined : known(demandQuantile(demand, 0.99)),
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

function known(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
