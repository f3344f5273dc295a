import type { ConnmgrEventType, Listener } from '../events/events.js'
import type { QueryObserver } from '../events/query-observer.js'
import type { PoolMetrics } from '../pool/metrics.js'
import type { PoolSettings } from '../pool/options.js'
import type { FailoverStatus } from '../status.js'
import type { ManagerHistograms } from '../vocabulary/histogram.js'
import type { ReplayStats } from '../work/replayer.js'

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
