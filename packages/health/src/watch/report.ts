import type { HealthStatus } from '@connmgr/core'

/** `pass` and `warn` are ready, `fail` is not. */
export type HealthOutcome = 'pass' | 'warn' | 'fail'

/**
 * What a finding is about.
 *
 * - `starting`: no connection has come about yet
 * - `closed`: `close()` of the manager was called
 * - `unusable`: the database has not served for longer than `graceMs`
 * - `grace`: it does not serve, and has not for long enough
 * - `read-only`: reads are served, and writes are not
 * - `pool-exhausted`: every connection that the pool may have is in use
 * - `no-standby`: no standby takes reads
 * - `impaired`: a server is out of service, or takes no new connections
 * - `not-monitored`: health monitoring is off
 * - `paused`: health monitoring pauses, as the manager is not in use
 */
export type FindingCode =
  | 'starting'
  | 'closed'
  | 'unusable'
  | 'grace'
  | 'read-only'
  | 'pool-exhausted'
  | 'no-standby'
  | 'impaired'
  | 'not-monitored'
  | 'paused'

/** One thing that is worth saying about a manager. */
export interface Finding {
  readonly code: FindingCode
  /** A `pass` is a remark: nothing is wrong. */
  readonly outcome: HealthOutcome
  /** For everyone: names no host. */
  readonly message: string
  /** For those who may see hosts and what servers say: why. */
  readonly detail?: string
}

/** How one manager is. */
export interface ManagerReport {
  readonly name: string
  /** As in {@link WatchedManager}. */
  readonly optional: boolean
  /** The worst of its findings. */
  readonly outcome: HealthOutcome
  /** True unless the outcome is `fail`. */
  readonly ready: boolean
  /** True once it could serve for the first time. */
  readonly started: boolean
  readonly findings: readonly Finding[]
  /** What the manager says of itself: with hosts, and no secrets. */
  readonly status: HealthStatus
}

/** How all managers are, and what that means for the process. */
export interface HealthReport {
  /** True if the process is to get requests. */
  readonly ready: boolean
  /** True once all managers that are not optional have been able to serve. */
  readonly started: boolean
  /** True from the call of `shutdown` on. */
  readonly draining: boolean
  readonly managers: readonly ManagerReport[]
}

const ORDER: readonly HealthOutcome[] = ['pass', 'warn', 'fail']

export function worst(outcomes: readonly HealthOutcome[]): HealthOutcome {
  const index = Math.max(0, ...outcomes.map((each) => ORDER.indexOf(each)))
  return ORDER[index] as HealthOutcome
}
