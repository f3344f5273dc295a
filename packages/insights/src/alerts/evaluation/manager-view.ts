import type {
  FailoverStatus,
  HealthStatus,
  LeaseReport,
  PoolMetrics,
  PoolSettings,
} from '@connmgr/core'
import type { InsightsSnapshot } from '../../snapshot.js'
import type { RuleContext, RuleWindow, WatchedManager } from '../rule.js'
import type { Samples } from './samples.js'

/** What rules see of a manager during one evaluation. Each part is read once, when a rule first asks for it. */
export class ManagerView implements RuleContext {
  readonly manager: WatchedManager
  readonly insights: InsightsSnapshot | undefined
  readonly #samples: Samples
  #metrics: PoolMetrics | undefined
  #settings: PoolSettings | undefined
  #health: HealthStatus | undefined
  #leaks: readonly LeaseReport[] | undefined
  #sinceLast: RuleWindow | undefined

  constructor(
    manager: WatchedManager,
    samples: Samples,
    insights: InsightsSnapshot | undefined,
    atMs: number,
  ) {
    this.manager = manager
    this.insights = insights
    this.#samples = samples
    samples.take(atMs, { metrics: this.metrics, ...manager.getHistograms() }, insights)
  }

  get pool(): string {
    return this.manager.name
  }

  get metrics(): PoolMetrics {
    this.#metrics ??= this.manager.getPoolMetrics()
    return this.#metrics
  }

  get settings(): PoolSettings {
    this.#settings ??= this.manager.getPoolSettings()
    return this.#settings
  }

  get health(): HealthStatus {
    this.#health ??= this.manager.getHealthStatus()
    return this.#health
  }

  get failover(): FailoverStatus {
    return this.health.failoverStats
  }

  get leaks(): readonly LeaseReport[] {
    this.#leaks ??= this.manager.detectLeaks()
    return this.#leaks
  }

  get sinceLast(): RuleWindow | undefined {
    this.#sinceLast ??= this.#samples.sinceLast
    return this.#sinceLast
  }

  /** A property, so that rules may take it out of their context. */
  readonly over = (windowMs: number): RuleWindow | undefined => this.#samples.over(windowMs)
}
