import type { Endpoint, Role } from '../driver/contract.js'
import type { MissingRight, ProbeResult } from '../driver/replication.js'
import type { ErrorSummary } from '../events/event-parts.js'
import type { EndpointProber } from '../health/endpoint-prober.js'
import type { PoolStandIn } from '../health/pool-stand-in.js'
import type { ConnectionPool } from '../pool/connection-pool.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { Standing } from './reducer/transition.js'
import {
  type EndpointView,
  isReadOnlyPrimary,
  isSteady,
  type ListedEndpoint,
  type Origin,
  roleInWords,
  unseen,
} from './reducer/view.js'

/**
 * One endpoint: its parts, and what is known of it. That is replaced as a whole when the cluster has decided what an
 * observation means, so that it is never seen half changed.
 */
export class ManagedEndpoint<C extends object> {
  /** Only the cluster replaces it. */
  known: EndpointView
  /** Why no new connection can be opened, while those that are open go on. */
  loginError: ErrorSummary | undefined
  /** When it was sent a reader last, counted in readers. */
  turn = 0
  /** False if it is kept although the source of the topology no longer names it. */
  named = true

  constructor(
    readonly endpoint: Endpoint,
    /** Place in the list of endpoints; 0 is the preferred one. */
    public order: number,
    readonly pool: ConnectionPool<C>,
    readonly prober: EndpointProber,
    readonly standIn: PoolStandIn<C>,
    since: Date,
    readonly origin: Origin = 'configured',
  ) {
    this.known = unseen(this.listed, since)
  }

  get id(): string {
    return this.endpoint.id
  }

  /** How it stands in the list of endpoints. */
  get listed(): ListedEndpoint {
    const { endpoint, id, named, order, origin } = this
    return { id, named, order, origin, role: endpoint.role ?? 'unknown' }
  }

  get standing(): Standing {
    return this.known.standing
  }

  get state(): EndpointState {
    return this.known.standing.state
  }

  get role(): Role {
    return this.known.role
  }

  /** What the latest successful probe said. */
  get result(): ProbeResult | undefined {
    return this.known.result
  }

  get lagMs(): number | undefined {
    return this.known.lagMs
  }

  /** Too far behind for reads. */
  get lagging(): boolean {
    return this.known.lagging
  }

  get lastError(): ErrorSummary | undefined {
    return this.known.lastError
  }

  /** Why an operator has taken it out of service, if so. */
  get heldFor(): string | undefined {
    return this.known.heldFor
  }

  /** Why it does not count as a server of the cluster, if so. */
  get doubt(): string | undefined {
    return this.known.doubt
  }

  /** Wall-clock time of the latest change of state. */
  get since(): Date {
    return this.known.since
  }

  /** Whether a connection has ever been opened: until then a failure is a mistake in the set-up. */
  get everConnected(): boolean {
    return this.known.everConnected
  }

  /** True while it is up, trusted, and nothing is known against it. */
  get isSteady(): boolean {
    return isSteady(this.known)
  }

  /** True for a primary that refuses writes, as it was set up to, or set to later. */
  get isReadOnlyPrimary(): boolean {
    return isReadOnlyPrimary(this.known)
  }

  /** Its role, for messages. */
  get roleInWords(): string {
    return roleInWords(this.known)
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
  /** True if it refuses writes: a standby, or a primary that is set to read-only. */
  readonly readOnly: boolean
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
