import type { Cluster } from './cluster/cluster.js'
import type { FailoverRecord, RecordedFailoverEvent } from './cluster/failover-record.js'
import type { EndpointStatus, ManagedEndpoint } from './cluster/managed-endpoint.js'
import type { HealthCheck, HealthStats } from './health/history.js'
import type { ReadinessStatus } from './health/readiness.js'
import type { PoolMetrics } from './pool/metrics.js'
import type { LeaseReport } from './vocabulary/lease-report.js'
import type { ClusterState } from './vocabulary/states.js'

/** Endpoints and failovers, as they are now. */
export interface FailoverStatus {
  readonly mode: 'role' | 'ordered'
  readonly state: ClusterState
  /** The endpoint that takes writes; undefined while there is none. */
  readonly activeEndpoint: string | undefined
  /** Rises with every change of the writer. */
  readonly epoch: number
  readonly endpoints: readonly EndpointStatus[]
  readonly failovers: number
  readonly switchovers: number
  readonly failbacks: number
  /** Attempts that found no writer in time. */
  readonly failedAttempts: number
  readonly lastEvent: RecordedFailoverEvent | undefined
  /** The latest 100 events, oldest first. */
  readonly history: readonly RecordedFailoverEvent[]
}

/** Leak detection, as it is now. */
export interface LeakStatus {
  readonly enabled: boolean
  readonly thresholdMs: number | undefined
  /** Leaks reported since the start. */
  readonly detected: number
  /** Leaks not returned yet. */
  readonly active: number
  readonly leaks: readonly LeaseReport[]
}

/** Everything at once, for a health endpoint or a person. Plain data. */
export interface HealthStatus {
  /**
   * True while `status` is `healthy` or `degraded`: callers who write can be served. What lasts less than
   * `healthMonitoring.unhealthyAfterMs` does not show.
   */
  readonly healthy: boolean
  readonly status: ReadinessStatus
  /** Why the status is not `healthy`; undefined if it is. */
  readonly reason: string | undefined
  /**
   * For how long callers who write cannot be served, in milliseconds; undefined if they can. Unlike `healthy` it shows
   * trouble at once.
   */
  readonly unusableForMs: number | undefined
  /**
   * False if no server is probed in the background (`healthMonitoring: false`, `stopHealthMonitoring()`): then the status
   * tells whether a connection has ever come about, and little more.
   */
  readonly monitored: boolean
  /** True while monitoring is paused (`healthMonitoring.restAfterMs`). The status is the one from before the pause. */
  readonly resting: boolean
  readonly poolMetrics: PoolMetrics
  /** The latest check of the endpoint that takes writes. */
  readonly healthCheck: HealthCheck | undefined
  readonly healthStats: HealthStats
  readonly failoverStats: FailoverStatus
  readonly leakDetection: LeakStatus
}

export function failoverStatus<C extends object>(
  endpoints: readonly ManagedEndpoint<C>[],
  cluster: Cluster<C>,
  record: FailoverRecord,
): FailoverStatus {
  return {
    mode: cluster.mode,
    state: cluster.state,
    activeEndpoint: cluster.writer?.id,
    epoch: cluster.epoch,
    endpoints: endpoints.map((each) => ({
      id: each.id,
      host: each.endpoint.host,
      port: each.endpoint.port,
      role: each.role,
      state: each.state,
      preferred: each.order === 0,
      active: each === cluster.writer,
      lagMs: each.lagMs,
      lagging: each.lagging,
      readOnly: each.role === 'standby' || each.isReadOnlyPrimary,
      history: each.result?.history,
      since: each.since,
      lastError: each.lastError,
      loginError: each.loginError,
      configured: each.origin === 'configured',
      missingRights: each.result?.missing ?? [],
    })),
    failovers: record.failovers,
    switchovers: record.switchovers,
    failbacks: record.failbacks,
    failedAttempts: record.failures,
    lastEvent: record.last,
    history: record.events,
  }
}
