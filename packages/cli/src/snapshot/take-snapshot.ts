import { hostname } from 'node:os'
import { basename } from 'node:path'
import { percentilesOf } from '@connmgr/core'
import { systemClock, workingDirectory } from '@connmgr/core/driver'
import { excerptOf } from './excerpt.js'
import type { InspectedInsights, InspectedManager } from './inspected.js'
import { type ManagerSnapshot, type ProcessSnapshot, SNAPSHOT_SCHEMA_VERSION } from './snapshot.js'

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
      directory: workingDirectory(),
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
    },
    managers: await Promise.all(
      managers.map((manager, index) =>
        snapshotOf(manager, numbered(managers, index), insightsOf(manager)),
      ),
    ),
  }
}

/** The name of a manager, with a number if one before it has the same, as in metrics. */
function numbered(managers: readonly InspectedManager[], index: number): string {
  const { name } = managers[index] as InspectedManager
  const before = managers.slice(0, index).filter((each) => each.name === name).length
  return before === 0 ? name : `${name}#${before + 1}`
}

async function snapshotOf(
  manager: InspectedManager,
  name: string,
  insights: InspectedInsights | undefined,
): Promise<ManagerSnapshot> {
  const health = manager.getHealthStatus()
  const { failoverStats } = health
  return {
    name,
    healthy: health.healthy,
    status: health.status,
    reason: health.reason ?? null,
    pool: health.poolMetrics,
    counts: manager.getCounts(),
    times: percentilesOf(manager.getHistograms()),
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
