import type { ClusterState } from '../vocabulary/states.js'
import type { ErrorSummary } from './event-parts.js'

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
/** The source of the topology names other endpoints than before. */
export interface TopologyChangedEvent {
  readonly type: 'topologyChanged'
  readonly pool: string
  readonly added: readonly string[]
  /** They get no new callers; those who have a connection may finish. */
  readonly removed: readonly string[]
}
/**
 * The source of the topology fails, so that everything stays as it is; emitted once until it works again. Or it names
 * servers that it may not name, which are left out; emitted when these change.
 */
export interface TopologyFailedEvent {
  readonly type: 'topologyFailed'
  readonly pool: string
  readonly source: string
  readonly error: ErrorSummary
  /** Why servers were refused, if that is it. */
  readonly refused?: readonly string[]
}
