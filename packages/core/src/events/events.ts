import type { MissingRight, Role } from '../driver/contract.js'
import { isError, messageOf } from '../errors.js'
import type { CloseReason } from '../vocabulary/close-reason.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { ClusterState, EndpointState } from '../vocabulary/states.js'

/** A thrown thing as events carry it: plain data, safe to log. */
export interface ErrorSummary {
  readonly name: string
  readonly message: string
  /** The database's code, the system's name or connmgr's code, where the error has one. */
  readonly code?: string
}

interface PoolEvent {
  /** The manager's `name`. */
  readonly pool: string
  /** `host:port/database`. */
  readonly endpoint: string
}

export interface ConnectionCreatedEvent extends PoolEvent {
  readonly type: 'connectionCreated'
  readonly connectionId: number
  readonly durationMs: number
}
export interface ConnectionFailedEvent extends PoolEvent {
  readonly type: 'connectionFailed'
  /** `hook`: the connection came about, and `onConnect` failed on it. */
  readonly reason: 'connect' | 'hook'
  readonly durationMs: number
  readonly error: ErrorSummary
}
/** The first connection is still to come: the server refuses. Told once, a second after the first caller has come. */
export interface StartDelayedEvent extends PoolEvent {
  readonly type: 'startDelayed'
  /** Since the first caller has come. */
  readonly durationMs: number
  /** For how much longer callers wait (`startTimeoutMs`). */
  readonly remainingMs: number
  readonly error: ErrorSummary
}
/**
 * Several managers of this process that are open lead to the same database as the same user, each with connections of its
 * own: a module that is loaded again makes another, or a handler of requests does. Told once, by the latest of them.
 */
export interface ManagerDuplicatedEvent extends PoolEvent {
  readonly type: 'managerDuplicated'
  /** How many are open, this one included. */
  readonly managers: number
}
export interface ConnectionClosedEvent extends PoolEvent {
  readonly type: 'connectionClosed'
  readonly connectionId: number
  readonly reason: CloseReason
  /** How long the connection had been open. */
  readonly durationMs: number
  readonly error?: ErrorSummary
}
export interface ConnectionAcquiredEvent extends PoolEvent {
  readonly type: 'connectionAcquired'
  readonly connectionId: number
  readonly leaseId: number
  /** From acquire to lending. */
  readonly durationMs: number
}
export interface ConnectionReleasedEvent extends PoolEvent {
  readonly type: 'connectionReleased'
  readonly connectionId: number
  readonly leaseId: number
  /** How long the lease was held. */
  readonly durationMs: number
  /** True if it was held on purpose, by the option `longLived` or as its session listens. */
  readonly longLived?: boolean
}
export interface AcquireFailedEvent {
  readonly type: 'acquireFailed'
  readonly pool: string
  readonly endpoint: string | undefined
  readonly reason: 'timeout' | 'aborted' | 'queue-full' | 'closed' | 'connect-failed'
  readonly durationMs: number
  readonly error: ErrorSummary
}
export interface ValidationFailedEvent extends PoolEvent {
  readonly type: 'validationFailed'
  readonly connectionId: number
  readonly durationMs: number
  readonly error: ErrorSummary
}
/** A statement ran for longer than `queryTimeoutMs` on a server that answers its probes: the connection was destroyed. */
export interface QueryTimedOutEvent extends PoolEvent {
  readonly type: 'queryTimedOut'
  readonly connectionId: number
  /** How long the statement had been seen running. */
  readonly durationMs: number
  /** The latest statement on the connection, as `reportSql` says: its text, its fingerprint or nothing. Never its parameters. */
  readonly query: string | undefined
}
/**
 * A connection came back inside a transaction, mid-query, or with advisory locks of its session. It was cleaned or
 * destroyed, never lent on as it was.
 */
export interface ConnectionDirtyEvent extends PoolEvent {
  readonly type: 'connectionDirty'
  readonly connectionId: number
  readonly reason: 'transaction' | 'busy' | 'advisory-locks'
  /** Who had it. */
  readonly lease: LeaseReport
}
export interface LeakDetectedEvent extends PoolEvent {
  readonly type: 'leakDetected'
  readonly connectionId: number
  /** How long it had been held when it was reported. */
  readonly durationMs: number
  readonly lease: LeaseReport
  /** True if the connection was destroyed (`leakDetection.reclaim`). */
  readonly reclaimed: boolean
}
export interface LeakResolvedEvent extends PoolEvent {
  readonly type: 'leakResolved'
  readonly connectionId: number
  /** How long it was held in all. */
  readonly durationMs: number
  readonly lease: LeaseReport
}
export interface LeaseMisusedEvent extends PoolEvent {
  readonly type: 'leaseMisused'
  readonly connectionId: number
  readonly leaseId: number
  /**
   * `nested`: the holder of the lease waits for another; emitted with `leakDetection.detectNested` only.
   * `used-after-release`: what the lease had handed out was used after its end. It was refused, and nothing was sent.
   */
  readonly reason: 'released-twice' | 'nested' | 'used-after-release'
  /** Of `nested`: the lease that is held. Of `used-after-release`: the one that had ended, which names who kept it. */
  readonly lease?: LeaseReport
  /** Of `used-after-release`: the lease that has the connection now, if one has. */
  readonly holder?: LeaseReport
  /** Of `used-after-release`: the text of the refused statement, without its values, if it was one. */
  readonly query?: string
  /** Of `nested`: the acquire that waits. */
  readonly waiter?: Pick<LeaseReport, 'label' | 'checkedOutBy' | 'stack'>
}
export interface PoolClearedEvent extends PoolEvent {
  readonly type: 'poolCleared'
  readonly reason: string
}
export interface PoolResizedEvent extends PoolEvent {
  readonly type: 'poolResized'
  readonly poolSize: number
  readonly maxOverflow: number
}
export interface PoolClosedEvent extends PoolEvent {
  readonly type: 'poolClosed'
  readonly durationMs: number
  /** Leases that were still held when the drain's deadline passed. */
  readonly stragglers: readonly LeaseReport[]
}
export interface HealthCheckCompletedEvent extends PoolEvent {
  readonly type: 'healthCheckCompleted'
  readonly healthy: boolean
  readonly durationMs: number
  readonly role: Role
  /** As in {@link HealthCheck}. */
  readonly refused?: boolean
  readonly error?: ErrorSummary
}
export interface HealthRecoveredEvent extends PoolEvent {
  readonly type: 'healthRecovered'
  /** How long the endpoint had failed its checks. */
  readonly durationMs: number
}
/** Sessions of the endpoint work, but no login succeeds. It stays in service with those that are open. */
export interface LoginsFailedEvent extends PoolEvent {
  readonly type: 'loginsFailed'
  /** Since the first login that failed. */
  readonly durationMs: number
  readonly error: ErrorSummary
}
export interface LoginsRecoveredEvent extends PoolEvent {
  readonly type: 'loginsRecovered'
  /** How long logins had failed. */
  readonly durationMs: number
}
export interface EndpointStateChangedEvent extends PoolEvent {
  readonly type: 'endpointStateChanged'
  readonly from: EndpointState
  readonly to: EndpointState
  readonly role: Role
  readonly reason: string
}
/** A server does not tell the role that probes it everything. Told at the first probe, and when it changes. */
export interface RightsMissingEvent extends PoolEvent {
  readonly type: 'rightsMissing'
  readonly missing: readonly MissingRight[]
}
/** A server tells everything again. */
export interface RightsGrantedEvent extends PoolEvent {
  readonly type: 'rightsGranted'
}
export interface RoleChangedEvent extends PoolEvent {
  readonly type: 'roleChanged'
  readonly from: Role
  readonly to: Role
}
/** A standby gets no reads any more, being further behind than `failover.maxLagMs`; or gets them again, at half of it. */
export interface StandbyLagEvent extends PoolEvent {
  readonly type: 'standbyFellBehind' | 'standbyCaughtUp'
  readonly lagMs: number
}
export interface ClusterStateChangedEvent {
  readonly type: 'clusterStateChanged'
  readonly pool: string
  readonly from: ClusterState
  readonly to: ClusterState
  readonly reason: string
}
export interface FailoverStartedEvent {
  readonly type: 'failoverStarted'
  readonly pool: string
  /** The endpoint that is being left. */
  readonly endpoint: string | undefined
  readonly reason: string
}
/** The writer is another server now. `reason` tells an unplanned failover, a requested switchover and a failback apart. */
export interface FailoverCompletedEvent {
  readonly type: 'failoverCompleted' | 'switchoverCompleted' | 'failbackCompleted'
  readonly pool: string
  /** The endpoint that serves now. */
  readonly endpoint: string
  readonly from: string | undefined
  readonly epoch: number
  readonly reason: string
  /** From losing the old endpoint to serving from the new one. */
  readonly durationMs: number
}
export interface FailoverFailedEvent {
  readonly type: 'failoverFailed'
  readonly pool: string
  readonly endpoint: string | undefined
  readonly attempt: number
  readonly reason: string
  readonly durationMs: number
}
/** A unit of work has failed without effect and is run again, as it was declared to bear that. */
export interface WorkReplayedEvent {
  readonly type: 'workReplayed'
  readonly pool: string
  /** What runs it: `manager.transaction`, `use`, `replay`, or a single statement of `pool.query`. */
  readonly unit: 'transaction' | 'use' | 'replay' | 'statement'
  /** The one that begins now, from 2. */
  readonly attempt: number
  /** `unknown`: it may have been committed, and is idempotent or was found not to have been. */
  readonly reason: 'never-sent' | 'refused' | 'aborted' | 'conflict' | 'unknown'
  /** From the start of the first attempt. */
  readonly durationMs: number
  readonly error: ErrorSummary
}
/** The source of the topology names other endpoints than before. */
export interface TopologyChangedEvent {
  readonly type: 'topologyChanged'
  readonly pool: string
  readonly added: readonly string[]
  /** They get no new callers; those who have a connection may finish. */
  readonly removed: readonly string[]
}
/**
 * The source of the topology fails, so that everything stays as it is; told once until it works again. Or it names
 * servers that it may not name, which are left out; told when these change.
 */
export interface TopologyFailedEvent {
  readonly type: 'topologyFailed'
  readonly pool: string
  readonly source: string
  readonly error: ErrorSummary
  /** Why servers were refused, if that is it. */
  readonly refused?: readonly string[]
}
/** A user's listener or logger threw, or rejected. The pool went on. */
export interface ListenerFailedEvent {
  readonly type: 'listenerFailed'
  readonly pool: string
  readonly reason: string
  readonly error: ErrorSummary
}

/** What every event of a driver's package has. Its `type` is its name in {@link DriverEvents}. */
export interface DriverEvent extends PoolEvent {
  readonly type: string
  /** How it is logged. */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** What has happened, in a sentence for people. */
  readonly message: string
}

/**
 * The events that packages of drivers add, by the name of their type.
 *
 * @example
 * declare module '@connmgr/core' {
 *   interface DriverEvents {
 *     fileReplaced: DriverEvent & { readonly type: 'fileReplaced'; readonly path: string }
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the packages that declare events
export interface DriverEvents {}

/** Everything that connmgr reports. Switch over `type`. */
export type ConnmgrEvent =
  | ConnectionCreatedEvent
  | ConnectionFailedEvent
  | StartDelayedEvent
  | ManagerDuplicatedEvent
  | ConnectionClosedEvent
  | ConnectionAcquiredEvent
  | ConnectionReleasedEvent
  | AcquireFailedEvent
  | ValidationFailedEvent
  | QueryTimedOutEvent
  | ConnectionDirtyEvent
  | LeakDetectedEvent
  | LeakResolvedEvent
  | LeaseMisusedEvent
  | PoolClearedEvent
  | PoolResizedEvent
  | PoolClosedEvent
  | HealthCheckCompletedEvent
  | HealthRecoveredEvent
  | LoginsFailedEvent
  | LoginsRecoveredEvent
  | EndpointStateChangedEvent
  | RightsMissingEvent
  | RightsGrantedEvent
  | RoleChangedEvent
  | StandbyLagEvent
  | ClusterStateChangedEvent
  | FailoverStartedEvent
  | FailoverCompletedEvent
  | FailoverFailedEvent
  | WorkReplayedEvent
  | TopologyChangedEvent
  | TopologyFailedEvent
  | ListenerFailedEvent
  | DriverEvents[keyof DriverEvents]

export type ConnmgrEventType = ConnmgrEvent['type']
/** The event of one type. */
export type EventOf<T extends ConnmgrEventType> = OfType<ConnmgrEvent, T>
// Not Extract, which finds no event whose type is one of several.
type OfType<E, T> = E extends { readonly type: infer K }
  ? T extends K
    ? E & { readonly type: T }
    : never
  : never
/** Hears one type of event. It may do anything, also be asynchronous: what it throws or rejects with is emitted as `listenerFailed`. */
export type Listener<T extends ConnmgrEventType> = (event: EventOf<T>) => unknown

/** What an event says of a thrown thing. */
export function summarize(thrown: unknown): ErrorSummary {
  const message = messageOf(thrown)
  if (!isError(thrown)) return { name: 'Error', message }
  const { code } = thrown as { code?: unknown }
  return { name: thrown.name, message, ...(typeof code === 'string' ? { code } : {}) }
}
