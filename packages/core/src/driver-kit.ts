// `@connmgr/core/driver`: the API for drivers and adapters.
export { stateIs } from './cluster/states.js'
export { CALL_RULES, checkCall, ISOLATION_LEVELS } from './config/calls.js'
export type { ForeignOptions } from './config/foreign-options.js'
export {
  checkManagerOptions,
  optionNames,
  type PackageOptions,
} from './config/manager-options.js'
export { nearestName } from './config/nearest.js'
export { MANAGER_OPTION_NAMES } from './config/resolve.js'
export {
  type EndpointMaker,
  failoverServers,
  requireOneDatabase,
  resolveServers,
} from './config/resolve-servers.js'
export { invalid as invalidOption } from './config/rules.js'
export { PORT, portIn, portOf, type ServerParts } from './config/server-parts.js'
export { type NamedUrl, requireUrl } from './config/server-urls.js'
export {
  rejectForeignOptions,
  rejectMisspeltOptions,
  rejectUnknownOptions,
} from './config/unknown-options.js'
export {
  invalidParameter,
  URL_OPTION_PARAMETERS,
  type UrlOptions,
  UrlParameters,
  withUrlOptions,
} from './config/url-settings.js'
export type {
  Activity,
  BeginOptions,
  ConnectContext,
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  Driver,
  Endpoint,
  IsolationLevel,
  LeaseFence,
  ResetFindings,
  ResetPolicy,
  Role,
  Sessions,
  Statements,
  TransactionOptions,
  Transactions,
} from './driver/contract.js'
export type { DedicatedConnection } from './driver/dedicated.js'
export { isEndedOnPurpose } from './driver/ended-on-purpose.js'
export { addressId, makeEndpoint, withHiddenPassword } from './driver/endpoint.js'
export type { FailureKind } from './driver/failure-kind.js'
export { networkFailure } from './driver/network-errors.js'
export { oneBufferSocket } from './driver/one-buffer-socket.js'
export { isProgrammingError } from './driver/programming-error.js'
export type {
  MissingRight,
  Order,
  Place,
  Probe,
  ProbeResult,
  ProbeScope,
  Replication,
  WritePlace,
} from './driver/replication.js'
export {
  beginTrace,
  nextTransactionId,
  type StatementTrace,
  type StatementTracer,
  type TracedConnection,
  type TracedTransaction,
  TransactionTrace,
  tracedConnection,
} from './driver/statement-trace.js'
export { isError, messageOf, toError } from './errors.js'
export { summarize } from './events/event-parts.js'
export { describeEvent } from './events/log.js'
export { type AddMethod, BorrowedListeners } from './facade/borrowed-listeners.js'
export { currentEffects, type Effects, unnoted, type WriteEnd } from './flow/effects.js'
export { outside } from './flow/outside.js'
export { Scope } from './flow/scope.js'
export { HEAD_START_MS } from './health/head-start.js'
export { CaptureBudget } from './leaks/capture-budget.js'
export { calledFrom, type NotedOrigin, notedOrigin, runWithOrigin } from './leaks/context.js'
export { type CallSite, parseFrame } from './leaks/frames.js'
export { nameCalls } from './leaks/named-calls.js'
export {
  type CapturedStack,
  captureStack,
  type FunctionReference,
  noteLibraryFile,
  userPath,
} from './leaks/stack.js'
export type { Lent } from './pool/acquire-request.js'
export { type EndedLease, type LeaseObserver, observeLeases } from './pool/lease-observers.js'
export type { PoolOptions } from './pool/options.js'
export { onManagerCreated } from './process/managers.js'
export { sharedBy } from './process/registry.js'
export { workingDirectory } from './process/working-directory.js'
export { withoutSecrets } from './secrets/clean-error.js'
export { printAsJson } from './secrets/print.js'
export { errorFields } from './secrets/redact.js'
export { BoundedTexts } from './statements/bounded-texts.js'
export { noteWrite } from './statements/write-note.js'
export { TENANT_OPTION_NAMES } from './tenants.js'
export { type Clock, systemClock, type TimerHandle } from './time/clock.js'
export { type ErrorReader, type LibraryError, registerErrors } from './work/error-readers.js'
export { type Failure, failureOf } from './work/failure.js'
