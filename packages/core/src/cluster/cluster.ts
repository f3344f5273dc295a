import type { FailureKind } from '../driver/failure-kind.js'
import type { Place } from '../driver/replication.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { ProbeOutcome } from '../health/probe-outcome.js'
import type { ClusterState } from '../vocabulary/states.js'
import type { Target } from '../vocabulary/target.js'
import type { ManagedEndpoint } from './managed-endpoint.js'

/**
 * How the endpoints of a manager belong together.
 *
 * - `role`: copies of one another, of which one takes writes, as it says itself
 * - `ordered`: independent servers, of which the first that is fit serves
 */
type ClusterMode = 'role' | 'ordered'

/** Decides which endpoint serves which callers. */
export interface Cluster<C extends object> {
  readonly mode: ClusterMode
  /** The endpoint that takes writes now. */
  readonly writer: ManagedEndpoint<C> | undefined
  readonly state: ClusterState
  /** Rises with every change of the writer. */
  readonly epoch: number
  /** What write tokens are compared with: where the writer is, or while there is none, what is known of the last one. */
  readonly lineage: Place & { readonly cluster?: string | undefined }
  /** Whether something is being decided, so that the next round of probes is due soon. */
  readonly urgent: boolean
  /** How long a writer has been looked for; 0 while there is one. */
  readonly searchingMs: number
  /** True if no endpoint can ever work as configured: each was refused for a reason that only a person can mend. */
  readonly refusedForGood: boolean
  /** Starts to probe; resolves when every endpoint has been seen once. */
  start(monitor: HealthMonitor<C>): Promise<void>
  /** From now on nothing that is still under way has any effect. */
  stop(): void
  pick(target: Target): ManagedEndpoint<C> | undefined
  /** A standby fit to read from that `accepts` chooses, the one with the least to do. */
  reader(accepts: (endpoint: ManagedEndpoint<C>) => boolean): ManagedEndpoint<C> | undefined
  serves(endpoint: ManagedEndpoint<C>, target: Target): boolean
  /** A probe has ended. */
  observe(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome): void
  /** A connection met trouble. */
  trouble(endpoint: ManagedEndpoint<C>, kind: FailureKind, reason: string): void
  /** A server that is being shut down waits for its sessions: they get no new callers, and go as they come back. */
  drain(endpoint: ManagedEndpoint<C>, reason: string): void
  /** @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` */
  failover(to?: string): Promise<void>
  reset(): Promise<void>
  /** @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` */
  quarantine(id: string, reason: string): void
  /** @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` */
  unquarantine(id: string): Promise<void>
  /** A connection has been opened. */
  connected(endpoint: ManagedEndpoint<C>): void
  /** The list of endpoints that it was created with has changed. */
  endpointsChanged(): void
}
