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
  /** What is known now: an object with `statements`, or the statements themselves. */
  top(): unknown
  recommendations?(): unknown
}
