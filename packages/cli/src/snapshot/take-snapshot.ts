import { hostname } from 'node:os'
import { basename } from 'node:path'
import { systemClock } from '@connmgr/core/driver'
import { excerptOf } from './excerpt.js'
import type { InspectedInsights, InspectedManager } from './inspected.js'
import { type ManagerSnapshot, type ProcessSnapshot, SNAPSHOT_SCHEMA_VERSION } from './snapshot.js'

/** Takes the state of managers, as plain data. It borrows no connection and asks no server. */
export function takeSnapshot(
  managers: readonly InspectedManager[],
  insightsOf: (manager: InspectedManager) => InspectedInsights | undefined,
): ProcessSnapshot {
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    at: new Date(systemClock.wallTime()).toISOString(),
    process: {
      pid: process.pid,
      host: hostname(),
      node: process.version,
      program: basename(process.argv[1] ?? process.execPath),
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
    },
    managers: managers.map((manager) => snapshotOf(manager, insightsOf(manager))),
  }
}

function snapshotOf(
  manager: InspectedManager,
  insights: InspectedInsights | undefined,
): ManagerSnapshot {
  const health = manager.getHealthStatus()
  const { failoverStats } = health
  return {
    name: manager.name,
    healthy: health.healthy,
    status: health.status,
    reason: health.reason ?? null,
    pool: health.poolMetrics,
    counts: manager.getCounts(),
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
    insights: insights === undefined ? null : excerptOf(insights),
  }
}
