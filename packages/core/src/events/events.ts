import type {
  ClusterStateChangedEvent,
  FailoverCompletedEvent,
  FailoverFailedEvent,
  FailoverStartedEvent,
  TopologyChangedEvent,
  TopologyFailedEvent,
} from './cluster-events.js'
import type { ErrorSummary, PoolEvent } from './event-parts.js'
import type {
  AcquireFailedEvent,
  ConnectionAcquiredEvent,
  ConnectionClosedEvent,
  ConnectionCreatedEvent,
  ConnectionDirtyEvent,
  ConnectionFailedEvent,
  ConnectionReleasedEvent,
  LeakDetectedEvent,
  LeakResolvedEvent,
  LeaseMisusedEvent,
  ManagerDuplicatedEvent,
  PoolClearedEvent,
  PoolClosedEvent,
  PoolResizedEvent,
  QueryTimedOutEvent,
  StartDelayedEvent,
  ValidationFailedEvent,
} from './pool-events.js'
import type {
  EndpointStateChangedEvent,
  HealthCheckCompletedEvent,
  HealthRecoveredEvent,
  LoginsFailedEvent,
  LoginsRecoveredEvent,
  RightsGrantedEvent,
  RightsMissingEvent,
  RoleChangedEvent,
  StandbyLagEvent,
} from './server-events.js'

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
/** A person had the manager do something through a tool, such as a button of the dashboard. */
export interface OperatorActedEvent {
  readonly type: 'operatorActed'
  readonly pool: string
  /** What it was done to; undefined if that is not one endpoint. */
  readonly endpoint: string | undefined
  /** The tool's name of what was done: `recycle`, for example. */
  readonly action: string
  /** Who it was, as far as the tool knows. */
  readonly by: string | undefined
  readonly durationMs: number
  /** What has come of it, in a sentence; undefined if it failed. */
  readonly result: string | undefined
  /** Why it failed. */
  readonly error?: ErrorSummary
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
  | OperatorActedEvent
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
