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
      managers.map((manager) => snapshotOf(manager, insightsOf(manager))),
    ),
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
