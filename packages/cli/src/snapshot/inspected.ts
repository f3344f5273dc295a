import type {
  FailoverStatus,
  HealthStatus,
  LeaseReport,
  ManagerHistograms,
  PoolCounts,
  PoolMetrics,
} from '@connmgr/core'

/** What of a manager a snapshot is made of. Every `ConnectionManager` has it. */
export interface InspectedManager {
  readonly name: string
  readonly closed: boolean
  getHealthStatus(): HealthStatus
  getFailoverStatus(): FailoverStatus
  getPoolMetrics(endpoint?: string): PoolMetrics
  getCounts(): PoolCounts
  getHistograms(): ManagerHistograms
  getHolders(): LeaseReport[]
}

/** What of insights a snapshot shows. What `insights(manager)` of `@connmgr/insights` returns has it. */
export interface InspectedInsights {
  /** The manager that they are of: they are shown with no other. */
  readonly manager?: unknown
  /** The statements that cost the most, or an object that has them as `statements`. */
  top(): unknown
  /** Verdicts with their fixes, or a promise of them. */
  recommendations?(): unknown
}
