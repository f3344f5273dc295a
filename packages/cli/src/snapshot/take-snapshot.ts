import { hostname } from 'node:os'
import { basename } from 'node:path'
import { demandQuantile, type Histogram, histogramQuantile } from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import { excerptOf } from './excerpt.js'
import type { InspectedInsights, InspectedManager } from './inspected.js'
import {
  type ManagerSnapshot,
  type ProcessSnapshot,
  SNAPSHOT_SCHEMA_VERSION,
  type TimesSnapshot,
} from './snapshot.js'

/** Takes the state of managers, as plain data. It borrows no connection and asks no server. */
export async function takeSnapshot(
  managers: readonly InspectedManager[],
  insightsOf: (manager: InspectedManager) => InspectedInsights | undefined,
): Promise<ProcessSnapshot> {
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    at: new Date(systemClock.wallTime()).toISOString(),
    process: {
      pid: process.pid,
      host: hostname(),
      node: process.version,
      program: basename(process.argv[1] ?? process.execPath),
      directory: directoryOf(),
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
    },
    managers: await Promise.all(
      managers.map((manager) => snapshotOf(manager, insightsOf(manager))),
    ),
  }
}

/** Empty if it has been removed. */
function directoryOf(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}

async function snapshotOf(
  manager: InspectedManager,
  insights: InspectedInsights | undefined,
): Promise<ManagerSnapshot> {
  const health = manager.getHealthStatus()
  const { failoverStats } = health
  return {
    name: manager.name,
    healthy: health.healthy,
    status: health.status,
    reason: health.reason ?? null,
    pool: health.poolMetrics,
    counts: manager.getCounts(),
    times: timesOf(manager),
    holders: manager.getHolders(),
    leaks: health.leakDetection.leaks,
    endpoints: failoverStats.endpoints.map((endpoint) => ({
      ...endpoint,
      pool: manager.getPoolMetrics(endpoint.id),
    })),
    failover: {
      state: failoverStats.state,
      activeEndpoint: failoverStats.activeEndpoint,
      epoch: failoverStats.epoch,
      failovers: failoverStats.failovers,
      switchovers: failoverStats.switchovers,
      failbacks: failoverStats.failbacks,
      failedAttempts: failoverStats.failedAttempts,
      lastEvent: failoverStats.lastEvent,
    },
    health: health.healthStats,
    insights: insights === undefined ? null : await excerptOf(insights),
  }
}

function timesOf(manager: InspectedManager): TimesSnapshot {
  const { create, demand, use, wait } = manager.getHistograms()
  const at = (histogram: Histogram, share: number): number | null =>
    orNull(histogramQuantile(histogram, share))
  return {
    waitP50Ms: at(wait, 0.5),
    waitP99Ms: at(wait, 0.99),
    useP50Ms: at(use, 0.5),
    useP99Ms: at(use, 0.99),
    createP99Ms: at(create, 0.99),
    demandP99: demand.totalMs === 0 ? null : orNull(demandQuantile(demand, 0.99)),
  }
}

/** JSON has no NaN. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
