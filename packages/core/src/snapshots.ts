import type { Assembly } from './assembly.js'
import type { Readiness } from './health/readiness.js'
import type { ConnectionPool } from './pool/connection-pool.js'
import { combineMetrics, type PoolMetrics, sumCounts } from './pool/metrics.js'
import {
  type FailoverStatus,
  failoverStatus,
  type HealthStatus,
  type LeakStatus,
} from './status.js'
import type { PoolCounts } from './vocabulary/counts.js'
import type { ManagerHistograms } from './vocabulary/histogram.js'
import type { LeaseReport } from './vocabulary/lease-report.js'
import type { Target } from './vocabulary/target.js'

const CLOSED: Readiness = {
  status: 'closed',
  reason: 'the manager is closed',
  unusableForMs: undefined,
}

/** What a manager tells of its endpoints and pools, taken together. */
export class Snapshots<C extends object> {
  readonly #parts: Assembly<C>

  constructor(parts: Assembly<C>) {
    this.#parts = parts
  }

  poolMetrics(endpoint?: string): PoolMetrics {
    const { set, cluster, router } = this.#parts
    const metrics = combineMetrics(
      set.measure(
        (each) => endpoint !== undefined || each === cluster.writer || each.pool.counts.total > 0,
        endpoint,
      ),
    )
    if (endpoint !== undefined) return metrics
    return {
      ...metrics,
      waiting: metrics.waiting + router.waiting,
      failedCheckouts: metrics.failedCheckouts + router.failed,
    }
  }

  histograms(): ManagerHistograms {
    const { runtime, set } = this.#parts
    const now = runtime.clock.now()
    return {
      ...set.totalMeasures().snapshot(now, runtime),
      endpoints: set.all.map(({ id, pool }) => ({
        endpoint: id,
        ...pool.leases.measures.snapshot(now),
      })),
    }
  }

  counts(target: Target): PoolCounts {
    const { endpoints, cluster, router } = this.#parts
    const serving = endpoints.filter((each) => cluster.serves(each, target))
    return sumCounts(
      serving.map((each) => each.pool.counts),
      router.waiting,
    )
  }

  leaks(): LeaseReport[] {
    return this.#byAge(({ leases }, now) => leases.leaked(now))
  }

  holders(): LeaseReport[] {
    return this.#byAge(({ leases }, now) => leases.holders(now))
  }

  leakStatus(): LeakStatus {
    const { leakedConnections, activeLeaks } = this.poolMetrics()
    const { leaks } = this.#parts.options
    return {
      enabled: leaks !== undefined,
      thresholdMs: leaks?.thresholdMs,
      detected: leakedConnections,
      active: activeLeaks,
      leaks: this.leaks(),
    }
  }

  failoverStatus(): FailoverStatus {
    const { endpoints, cluster, record } = this.#parts
    return failoverStatus(endpoints, cluster, record)
  }

  healthStatus(closed: boolean): HealthStatus {
    const { writer } = this.#parts.cluster
    const { checks, stats } = this.#parts.monitor.history
    const { reason, status, unusableForMs } = closed ? CLOSED : this.#parts.readiness.current
    return {
      healthy: status === 'healthy' || status === 'degraded',
      status,
      reason,
      unusableForMs,
      monitored: this.#parts.monitoring.on,
      resting: this.#parts.monitoring.resting,
      poolMetrics: this.poolMetrics(),
      healthCheck: checks.findLast((each) => writer === undefined || each.endpoint === writer.id),
      healthStats: stats,
      failoverStats: this.failoverStatus(),
      leakDetection: this.leakStatus(),
    }
  }

  #byAge(reportsOf: (pool: ConnectionPool<C>, now: number) => LeaseReport[]): LeaseReport[] {
    const { runtime, set } = this.#parts
    const now = runtime.clock.now()
    return set.withLeases
      .flatMap((each) => reportsOf(each.pool, now))
      .sort((a, b) => b.heldForMs - a.heldForMs)
  }
}
