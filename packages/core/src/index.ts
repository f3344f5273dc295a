// The API for users of a manager. The API for drivers and adapters is in driver-kit.ts.
export type { ManagerAcquireOptions } from './acquiring.js'
export type { ReadAcquireOptions, SessionOptions } from './catch-up/reads.js'
export type { ReadSession } from './catch-up/session.js'
export { WriteToken } from './catch-up/write-token.js'
export type { FailoverEvent, RecordedFailoverEvent } from './cluster/failover-record.js'
export type { EndpointStatus } from './cluster/managed-endpoint.js'
export type { FailoverOptions } from './cluster/options.js'
export { connectionManagers, type ListedManager } from './connection-managers.js'
export type {
  Endpoint,
  IsolationLevel,
  ResetPolicy,
  Role,
  TransactionOptions,
} from './driver/contract.js'
export type { MissingRight } from './driver/replication.js'
export {
  AbortedError,
  AcquireAbortedError,
  AcquireHookError,
  type AcquirePhase,
  AcquireTimeoutError,
  AuthenticationRefusedError,
  ConnectFailedError,
  ConnectTimeoutError,
  ConnmgrError,
  type ConnmgrErrorCode,
  FailoverFailedError,
  InvalidOptionError,
  LeaseReleasedError,
  PoolClosedError,
  QueueFullError,
  UnsupportedError,
  ValidationFailedError,
} from './errors.js'
export { queryChannel } from './events/channels.js'
export type * from './events/cluster-events.js'
export type { ErrorSummary } from './events/event-parts.js'
export type * from './events/events.js'
export type { Logger, LogLevel } from './events/log.js'
export type * from './events/pool-events.js'
export type { QueryContext } from './events/query-context.js'
export type { QueryObserver } from './events/query-observer.js'
export type * from './events/server-events.js'
export { once } from './flow/once.js'
export type { HealthCheck, HealthStats } from './health/history.js'
export type { ReadinessStatus } from './health/readiness.js'
export { type LeaseContext, runWithContext } from './leaks/context.js'
export type { LeakDetectionOptions } from './leaks/leak-detector.js'
export { ConnectionManager, type ManagerConfig } from './manager.js'
export type { HealthMonitoringOptions, ManagerOptions } from './options.js'
export {
  type Budget,
  ConnectionBudget,
  type ConnectionBudgetOptions,
} from './pool/connection-budget.js'
export type { Lease } from './pool/lease.js'
export type { PoolMetrics } from './pool/metrics.js'
export type { AcquireOptions, PoolSettings } from './pool/options.js'
export { redact } from './secrets/redact.js'
export { redactText } from './secrets/redact-text.js'
export { redactUrl } from './secrets/redact-url.js'
export type { ReportSql } from './secrets/sql-reports.js'
export {
  CommitOutcomeUnknownError,
  ConnectionDestroyedError,
  ConnectionLostError,
  QueryTimeoutError,
  TransactionRolledBackError,
} from './statement-errors.js'
export type { FailoverStatus, HealthStatus, LeakStatus } from './status.js'
export { type TenantId, type TenantLimits, Tenants, type TenantsConfig } from './tenants.js'
export type { Clock } from './time/clock.js'
export type { Discovery, TopologySource } from './topology/source.js'
export type { CloseReason } from './vocabulary/close-reason.js'
export type { LeakCounts, PoolCounts } from './vocabulary/counts.js'
export {
  countWithin,
  type DemandHistogram,
  demandQuantile,
  demandShare,
  type Histogram,
  type HistogramBucket,
  histogramQuantile,
  type ManagerHistograms,
  mergeDemand,
  mergeHistograms,
  type PoolHistograms,
} from './vocabulary/histogram.js'
export type { LeaseReport } from './vocabulary/lease-report.js'
export { type PoolPercentiles, percentilesOf } from './vocabulary/percentiles.js'
export type { ClusterState, EndpointState } from './vocabulary/states.js'
export type { Target } from './vocabulary/target.js'
export type { AcquireContext, OnAcquire } from './work/acquire-hook.js'
export type {
  CommitOutcome,
  ReplayMode,
  ReplayOptions,
  TransactionReplayOptions,
  UnitOutcome,
  UnitReplayOptions,
} from './work/options.js'
export type { ReplayStats } from './work/replayer.js'
