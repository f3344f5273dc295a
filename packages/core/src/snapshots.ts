import type { Engine } from './engine.js'
import type { Readiness } from './health/readiness.js'
import { combineMetrics, type PoolMetrics, sumCounts } from './pool/metrics.js'
import {
  type FailoverStatus,
  failoverStatus,
  type HealthStatus,
  type LeakStatus,
} from './status.js'
import type { PoolCounts } from './vocabulary/counts.js'
import type { LeaseReport } from './vocabulary/lease-report.js'
import type { Target } from './vocabulary/target.js'

const CLOSED: Readiness = { status: 'closed', reason: 'the manager is closed' }

/** What a manager tells of its endpoints and pools, taken together. */
export class Snapshots<C extends object> {
  readonly #engine: Engine<C>
  /** Undefined if leak detection is off. */
  readonly #leakThresholdMs: number | undefined

  constructor(engine: Engine<C>, leakThresholdMs: number | undefined) {
    this.#engine = engine
    this.#leakThresholdMs = leakThresholdMs
  }

  poolMetrics(endpoint?: string): PoolMetrics {
    const { set, cluster, router } = this.#engine
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

  counts(target: Target): PoolCounts {
    const { endpoints, cluster, router } = this.#engine
    const serving = endpoints.filter((each) => cluster.serves(each, target))
    return sumCounts(
      serving.map((each) => each.pool.counts),
      router.waiting,
    )
  }

  leaks(): LeaseReport[] {
    return byAge(this.#engine.set.withLeases.flatMap((each) => each.pool.leases.leaked()))
  }

  holders(): LeaseReport[] {
    return byAge(this.#engine.set.withLeases.flatMap((each) => each.pool.leases.holders()))
  }

  leakStatus(): LeakStatus {
    const { leakedConnections, activeLeaks } = this.poolMetrics()
    return {
      enabled: this.#leakThresholdMs !== undefined,
      thresholdMs: this.#leakThresholdMs,
      detected: leakedConnections,
      active: activeLeaks,
      leaks: this.leaks(),
    }
  }

  failoverStatus(): FailoverStatus {
    const { endpoints, cluster, record } = this.#engine
    return failoverStatus(endpoints, cluster, record)
  }

  healthStatus(closed: boolean): HealthStatus {
    const { writer } = this.#engine.cluster
    const { checks, stats } = this.#engine.monitor.history
    const { reason, status } = closed ? CLOSED : this.#engine.readiness.current
    return {
      healthy: status === 'healthy' || status === 'degraded',
      status,
      reason,
      resting: this.#engine.resting,
      poolMetrics: this.poolMetrics(),
      healthCheck: checks.findLast((each) => writer === undefined || each.endpoint === writer.id),
      healthStats: stats,
      failoverStats: this.failoverStatus(),
      leakDetection: this.leakStatus(),
    }
  }
}

function byAge(reports: LeaseReport[]): LeaseReport[] {
  return reports.sort((a, b) => b.heldForMs - a.heldForMs)
}
