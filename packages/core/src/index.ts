export type { ReadAcquireOptions, SessionOptions } from './catch-up/reads.js'
export type { ReadSession } from './catch-up/session.js'
export { WriteToken } from './catch-up/write-token.js'
export type { FailoverEvent, RecordedFailoverEvent } from './cluster/failover-record.js'
export type { EndpointStatus } from './cluster/managed-endpoint.js'
export type { FailoverOptions } from './cluster/options.js'
export type { ClusterState, EndpointState, Target } from './cluster/states.js'
export { CALL_RULES, checkCall, ISOLATION_LEVELS } from './config/calls.js'
export type { ForeignOptions } from './config/foreign-options.js'
export { nearestName } from './config/nearest.js'
export { MANAGER_OPTION_NAMES } from './config/resolve.js'
export { invalid as invalidOption } from './config/rules.js'
export {
  rejectForeignOptions,
  rejectMisspeltOptions,
  rejectUnknownOptions,
} from './config/unknown-options.js'
export type {
  ConnectContext,
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  Driver,
  Endpoint,
  FailureKind,
  IsolationLevel,
  LeaseFence,
  MissingRight,
  Probe,
  ProbeResult,
  ProbeScope,
  ReplayPosition,
  ResetFindings,
  ResetPolicy,
  Role,
  TransactionOptions,
  WritePosition,
} from './driver/contract.js'
export type { DedicatedConnection } from './driver/dedicated.js'
export {
  AbortedError,
  AcquireAbortedError,
  AcquireHookError,
  type AcquirePhase,
  AcquireTimeoutError,
  AuthenticationRefusedError,
  CommitOutcomeUnknownError,
  ConnectFailedError,
  ConnectionDestroyedError,
  ConnectionLostError,
  ConnectTimeoutError,
  ConnmgrError,
  type ConnmgrErrorCode,
  FailoverFailedError,
  InvalidOptionError,
  isError,
  LeaseReleasedError,
  messageOf,
  PoolClosedError,
  QueryTimeoutError,
  QueueFullError,
  TransactionRolledBackError,
  toError,
  UnsupportedError,
  ValidationFailedError,
} from './errors.js'
export type * from './events/events.js'
export { summarize } from './events/events.js'
export { describeEvent, type Logger, type LogLevel } from './events/log.js'
export { once } from './flow/once.js'
export { outside } from './flow/outside.js'
export type { HealthCheck, HealthStats } from './health/history.js'
export type { ReadinessStatus } from './health/readiness.js'
export { type LeaseContext, runWithContext, runWithOrigin } from './leaks/context.js'
export type { LeakDetectionOptions } from './leaks/leak-detector.js'
export type { LeaseReport } from './leaks/lease-report.js'
export {
  type CallSite,
  type CapturedStack,
  captureStack,
  type FunctionReference,
  parseFrame,
} from './leaks/stack.js'
export { ConnectionManager, type ManagerAcquireOptions, type ManagerConfig } from './manager.js'
export type { HealthMonitoringOptions, ManagerOptions } from './options.js'
export {
  type Budget,
  ConnectionBudget,
  type ConnectionBudgetOptions,
} from './pool/connection-budget.js'
export type { CloseReason } from './pool/entry.js'
export type { Lease } from './pool/lease.js'
export type { LeakCounts, PoolCounts, PoolMetrics } from './pool/metrics.js'
export type { AcquireOptions, PoolOptions, PoolSettings } from './pool/options.js'
export { withoutSecrets } from './secrets/clean-error.js'
export { printAsJson } from './secrets/print.js'
export { errorFields, redact } from './secrets/redact.js'
export { redactText } from './secrets/redact-text.js'
export { redactUrl } from './secrets/redact-url.js'
export type { ReportSql } from './secrets/sql-reports.js'
export type { FailoverStatus, HealthStatus, LeakStatus } from './status.js'
export {
  TENANT_OPTION_NAMES,
  type TenantId,
  type TenantLimits,
  Tenants,
  type TenantsConfig,
} from './tenants.js'
export { type Clock, systemClock, type TimerHandle } from './time/clock.js'
export type { Discovery, TopologySource } from './topology/source.js'
export type { AcquireContext, OnAcquire } from './work/acquire-hook.js'
export { currentEffects, type Effects, unnoted, type WriteEnd } from './work/effects.js'
export { type Failure, failureOf } from './work/failure.js'
export type {
  CommitOutcome,
  ReplayMode,
  ReplayOptions,
  TransactionReplayOptions,
  UnitOutcome,
  UnitReplayOptions,
} from './work/options.js'
export type { ReplayStats } from './work/replayer.js'
