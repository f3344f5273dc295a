import type { Role } from '../driver/contract.js'
import type { MissingRight } from '../driver/replication.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { ErrorSummary, PoolEvent } from './event-parts.js'

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
/** A server does not show everything to the role that probes it. Emitted at the first probe, and when that changes. */
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
