import type {
  ConnmgrEventType,
  FailoverStatus,
  Listener,
  ManagerHistograms,
  PoolMetrics,
  PoolSettings,
  QueryObserver,
  ReplayStats,
} from '@connmgr/core'

/** What metrics need of a manager. Every manager of every database has it. */
export interface MeasuredManager {
  readonly id: number
  readonly name: string
  readonly closed: boolean
  getPoolMetrics(endpoint?: string): PoolMetrics
  getHistograms(): ManagerHistograms
  getPoolSettings(): PoolSettings
  getFailoverStatus(): FailoverStatus
  getReplayStats(): ReplayStats
  on<T extends ConnmgrEventType>(type: T, listener: Listener<T>): () => void
  observeQueries(observer: QueryObserver): () => void
}
