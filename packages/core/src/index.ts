export { type Clock, systemClock, type TimerHandle } from './clock.js'
export type {
  ConnectContext,
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  Driver,
  Endpoint,
  FailureKind,
  Probe,
  ProbeResult,
  ResetPolicy,
  Role,
  TransactionOptions,
} from './driver.js'
export * from './errors.js'
export * from './events/events.js'
export type { ClusterState, EndpointState, Target } from './failover/states.js'
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
export type { CloseReason } from './pool/entry.js'
export type { Lease } from './pool/lease.js'
export type { LeakCounts, PoolCounts, PoolMetrics } from './pool/metrics.js'
export type { AcquireOptions, PoolOptions } from './pool/options.js'
