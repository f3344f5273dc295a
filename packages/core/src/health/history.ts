import type { Role } from '../driver/contract.js'
import type { ErrorSummary } from '../events/event-parts.js'
import type { PoolCounts } from '../vocabulary/counts.js'

/** One health check of one endpoint, with what its pool looked like at the time. */
export interface HealthCheck {
  readonly at: Date
  readonly endpoint: string
  readonly healthy: boolean
  readonly responseTimeMs: number
  readonly role: Role
  readonly pool: PoolCounts
  /**
   * True if the server had no room for the check while the pool has connections to it, none of them free. The check counts
   * as healthy, and `role` is the one known before.
   */
  readonly refused?: boolean
  readonly error?: ErrorSummary
}

/** Health checks since the start. */
export interface HealthStats {
  readonly totalChecks: number
  readonly healthyChecks: number
  readonly failedChecks: number
  /** Healthy checks as a share of all, from 0 to 1; 1 before the first check. */
  readonly successRate: number
  /** Mean over the checks that succeeded. */
  readonly avgResponseTimeMs: number
  readonly lastCheck: HealthCheck | undefined
  /** Times an endpoint failed and then answered again. */
  readonly recoveries: number
}

/** Keeps the latest checks and counts all of them. */
export class HealthHistory {
  readonly #capacity: number
  readonly #checks: HealthCheck[] = []
  #healthy = 0
  #failed = 0
  #recoveries = 0
  #responseTimeMs = 0

  /** @param capacity checks to keep */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(check: HealthCheck): void {
    this.#checks.push(check)
    if (this.#checks.length > this.#capacity) this.#checks.shift()
    if (check.healthy) {
      this.#healthy += 1
      this.#responseTimeMs += check.responseTimeMs
    } else this.#failed += 1
  }

  recovered(): void {
    this.#recoveries += 1
  }

  /** Oldest first. */
  get checks(): readonly HealthCheck[] {
    return [...this.#checks]
  }

  get stats(): HealthStats {
    const totalChecks = this.#healthy + this.#failed
    return {
      totalChecks,
      healthyChecks: this.#healthy,
      failedChecks: this.#failed,
      successRate: totalChecks === 0 ? 1 : this.#healthy / totalChecks,
      avgResponseTimeMs: this.#healthy === 0 ? 0 : this.#responseTimeMs / this.#healthy,
      lastCheck: this.#checks.at(-1),
      recoveries: this.#recoveries,
    }
  }
}
