import type { Endpoint, MissingRight, ProbeResult, Role } from '../driver/contract.js'
import type { ErrorSummary } from '../events/events.js'
import type { EndpointProber } from '../health/endpoint-prober.js'
import type { PoolStandIn } from '../health/pool-stand-in.js'
import type { ConnectionPool } from '../pool/connection-pool.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { Standing } from './transition.js'

const LONGEST_STABLE_MS = 600_000

/** Where an endpoint stands before its first probe: it is trusted until something speaks against it. */
export const UNSEEN: Standing = {
  state: 'UNKNOWN',
  trusted: true,
  failures: 0,
  successes: 0,
  healthySince: undefined,
}

/**
 * Why an endpoint is here: it is in the options; or it is an address of a name in the options, which is trusted as that
 * is; or a source of the topology has named it, which proves nothing.
 */
export type Origin = 'configured' | 'resolved' | 'discovered'

/** One endpoint with everything that is known of it. Only the cluster changes it. */
export class ManagedEndpoint<C extends object> {
  standing: Standing = UNSEEN
  /** The state that was last reported by an event. */
  reportedState: EndpointState = 'UNKNOWN'
  role: Role = 'unknown'
  /** What the latest successful probe said. */
  result: ProbeResult | undefined
  lagMs: number | undefined
  /** Too far behind for reads. */
  lagging = false
  lastError: ErrorSummary | undefined
  /** Why nobody can log in, while those who have can go on. */
  loginError: ErrorSummary | undefined
  /** Why an operator has taken it out of service, if so. */
  heldFor: string | undefined
  /** It ends as soon as its sessions do: who has one may finish. */
  draining = false
  /** Wall-clock time of the latest change of state. */
  since: Date
  /** Whether a connection has ever been opened: until then a failure is a mistake in the set-up. */
  everConnected = false
  /** Relapses: times it went down soon after it had been trusted again. */
  flaps = 0
  trustedAt: number | undefined
  /** When it was sent a reader last, counted in readers. */
  turn = 0
  /** False if it is kept although the source of the topology no longer names it. */
  named = true
  /** Why it does not count as a server of the cluster, if so. */
  doubt: string | undefined

  constructor(
    readonly endpoint: Endpoint,
    /** Place in the configured list; 0 is the preferred one. */
    public order: number,
    readonly pool: ConnectionPool<C>,
    readonly prober: EndpointProber,
    readonly standIn: PoolStandIn<C>,
    since: Date,
    readonly origin: Origin = 'configured',
  ) {
    this.since = since
    if (endpoint.role !== undefined) this.role = endpoint.role
    if (origin !== 'configured')
      this.doubt = 'has not been asked yet whether it belongs to the cluster'
  }

  get id(): string {
    return this.endpoint.id
  }

  get state(): EndpointState {
    return this.standing.state
  }

  /** True while it is up, trusted, and nothing is known against it. */
  get isSteady(): boolean {
    const { failures, state, trusted } = this.standing
    return (
      state === 'UP' &&
      this.reportedState === 'UP' &&
      trusted &&
      failures === 0 &&
      this.doubt === undefined &&
      this.heldFor === undefined &&
      this.lastError === undefined
    )
  }

  /** True for a primary that refuses writes, as it was set up or told to. */
  get isReadOnlyPrimary(): boolean {
    return this.role === 'primary' && this.result?.writable === false
  }

  /** Its role, for messages. */
  get roleInWords(): string {
    return this.isReadOnlyPrimary ? 'a primary that is read-only' : this.role
  }

  /** How long it must be healthy before it is trusted again. */
  stableMs(failbackStableMs: number): number {
    return Math.min(LONGEST_STABLE_MS, failbackStableMs * 2 ** this.flaps)
  }

  /** Notes a fall from UP; one soon after it was trusted again counts as flapping. */
  fell(now: number, failbackStableMs: number): void {
    if (this.trustedAt === undefined) return
    this.flaps = now - this.trustedAt < this.stableMs(failbackStableMs) ? this.flaps + 1 : 0
    this.trustedAt = undefined
  }
}

/** What `getFailoverStatus` says of one endpoint. */
export interface EndpointStatus {
  readonly id: string
  /** Undefined for what has no address, as a file. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly role: Role
  readonly state: EndpointState
  /** True for the endpoint that was listed first. */
  readonly preferred: boolean
  /** True for the endpoint that takes writes now. */
  readonly active: boolean
  /**
   * How far a standby is behind, to about the time between two probes: the age of the oldest write it lacks. Undefined for
   * others.
   */
  readonly lagMs: number | undefined
  /** True for a standby that is too far behind to get reads. */
  readonly lagging: boolean
  /** What tells a server before a promotion from one after it, as its driver calls it. */
  readonly history: string | undefined
  /** When it came into this state. */
  readonly since: Date
  readonly lastError: ErrorSummary | undefined
  /** Why no new connection can be opened, while those that are open go on; undefined if they can. */
  readonly loginError: ErrorSummary | undefined
  /** True if it is in the options; false if a topology source has named it. */
  readonly configured: boolean
  /** What the server does not tell the role that probes it, and what that turns off. */
  readonly missingRights: readonly MissingRight[]
}
