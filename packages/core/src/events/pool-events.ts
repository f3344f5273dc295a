import type { CloseReason } from '../vocabulary/close-reason.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { ErrorSummary, PoolEvent } from './event-parts.js'

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
/** The first connection is still to come: the server refuses. Emitted once, a second after the first caller has come. */
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
 * own: a module that is loaded again makes another, or a handler of requests does. Emitted once, by the latest of them.
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
