import type { Role } from '../../driver/contract.js'
import type { ProbeResult } from '../../driver/replication.js'
import type { ErrorSummary } from '../../events/event-parts.js'
import type { ClusterState, EndpointState } from '../../vocabulary/states.js'
import type { History } from '../history.js'
import type { FailoverKnobs } from '../options.js'
import { NO_TRAIL, type Trail } from './divergence.js'
import type { Promotions } from './promotions.js'
import type { Sample } from './replication-lag.js'
import type { Standing } from './transition.js'

/**
 * Why an endpoint is here: it is in the options; or it is an address of a name in the options, which is trusted as that
 * is; or a source of the topology has named it, which proves nothing.
 */
export type Origin = 'configured' | 'resolved' | 'discovered'

/** An endpoint as the list of endpoints has it. */
export interface ListedEndpoint {
  readonly id: string
  readonly origin: Origin
  /** Place in the list; 0 is the preferred one. */
  readonly order: number
  /** False if it is kept although the source of the topology no longer names it. */
  readonly named: boolean
  /** As the configuration says it, or `unknown`. */
  readonly role: Role
}

/** All that is known of one endpoint. */
export interface EndpointView extends ListedEndpoint {
  readonly standing: Standing
  /** As it showed itself last. */
  readonly role: Role
  /** The latest successful probe. */
  readonly result: ProbeResult | undefined
  readonly lagMs: number | undefined
  /** Too far behind for reads. */
  readonly lagging: boolean
  /** Where it was in the writer's history. */
  readonly trail: Trail
  readonly lastError: ErrorSummary | undefined
  /** Why an operator has taken it out of service, if so. */
  readonly heldFor: string | undefined
  /** It ends as soon as its sessions do: callers that have one may finish. */
  readonly draining: boolean
  /** Why it does not count as a server of the cluster, if so. */
  readonly doubt: string | undefined
  /** Wall-clock time of the latest change of state. */
  readonly since: Date
  /** Whether a connection has ever been opened: until then a failure is a mistake in the set-up. */
  readonly everConnected: boolean
  /** Relapses: times it went down soon after it had been trusted again. */
  readonly flaps: number
  /** When it was trusted again, on the monotonic clock. */
  readonly trustedAt: number | undefined
}

/** Which cluster is ours. */
export interface Identity {
  readonly cluster: string | undefined
  /** The cluster before an operator allowed another: who belonged to it still does, while nothing speaks for another. */
  readonly former: string | undefined
  /** Why the addresses of a name say nothing: they lead to servers of different clusters. */
  readonly contested: string | undefined
  /** Until every server of the options has been asked once, what others are is not decided. */
  readonly pending: boolean
}

/** A search for a writer: attempts with growing pauses between them. Probing goes on all the while. */
export interface Search {
  readonly startedAt: number
  readonly attempt: number
  /** `exhausted` once all attempts have failed; the search goes on until there is a writer. */
  readonly phase: 'trying' | 'pausing' | 'exhausted'
}

/** How far the start has come. */
export interface Start {
  readonly startedAt: number
  /** When the first endpoint answered. */
  readonly firstAnswerAt: number | undefined
  /** The first round of probes is over. */
  readonly roundOver: boolean
  /** One that could be the writer waits a moment for the others. */
  readonly inGrace: boolean
  /** What has been seen decides from now on. */
  readonly surveyed: boolean
}

/** The writer before the one there is now, or before there was none. */
export interface Predecessor {
  readonly id: string
  readonly order: number
  /** Whether it still served when it was left. */
  readonly alive: boolean
}

/** All that is known of a cluster. Never changed: each observation leads to the next one. */
export interface ClusterView {
  /** The preferred one first. */
  readonly endpoints: readonly EndpointView[]
  readonly state: ClusterState
  /** The id of the one endpoint that takes writes. */
  readonly writer: string | undefined
  readonly left: Predecessor | undefined
  /** Rises with every change of the writer. */
  readonly epoch: number
  readonly search: Search | undefined
  readonly start: Start
  readonly identity: Identity
  /** The latest history that was followed, and the cluster of the server that showed it. */
  readonly latest: { readonly history: string; readonly cluster: string | undefined } | undefined
  /** What standbys followed when an operator accepted an older primary. */
  readonly accepted: readonly string[]
  readonly promotions: Promotions
  /** Where the writer has been of late. */
  readonly written: readonly Sample[]
  /** The endpoint an operator chose; it is not left for a preferred one. */
  readonly pinned: string | undefined
  /** The endpoint an operator asked for, until it has taken over. */
  readonly requested: string | undefined
  readonly stopped: boolean
}

/** What decides besides what is known. The same for the whole life of a cluster. */
export interface Rules {
  /** `role` and `ordered` as in the options; `fixed` if the configuration says what each endpoint is for. */
  readonly kind: 'role' | 'ordered' | 'fixed'
  /** The name of the pool, for events. */
  readonly name: string
  readonly knobs: FailoverKnobs
  readonly history: History
}

/** Where an endpoint stands before its first probe: it is trusted until something speaks against it. */
export const UNSEEN: Standing = {
  state: 'UNKNOWN',
  trusted: true,
  failures: 0,
  successes: 0,
  healthySince: undefined,
}

/** An endpoint before its first probe. */
export function unseen(listed: ListedEndpoint, since: Date): EndpointView {
  const { id, named, order, origin, role } = listed
  return {
    id,
    origin,
    order,
    named,
    role,
    standing: UNSEEN,
    result: undefined,
    lagMs: undefined,
    lagging: false,
    trail: NO_TRAIL,
    lastError: undefined,
    heldFor: undefined,
    draining: false,
    doubt:
      origin === 'configured'
        ? undefined
        : 'has not been asked yet whether it belongs to the cluster',
    since,
    everConnected: false,
    flaps: 0,
    trustedAt: undefined,
  }
}

/** A cluster before its first probe. */
export function initialView(endpoints: readonly EndpointView[], rules: Rules): ClusterView {
  const fixed = rules.kind === 'fixed'
  return {
    endpoints,
    state: fixed ? 'STEADY' : 'DEGRADED',
    writer: fixed
      ? (endpoints.find((each) => each.role === 'primary') ?? endpoints[0])?.id
      : undefined,
    left: undefined,
    epoch: 0,
    search: undefined,
    start: {
      startedAt: 0,
      firstAnswerAt: undefined,
      roundOver: false,
      inGrace: false,
      surveyed: false,
    },
    identity: {
      cluster: rules.kind === 'role' ? rules.knobs.cluster : undefined,
      former: undefined,
      contested: undefined,
      pending: true,
    },
    latest: undefined,
    accepted: [],
    promotions: new Map(),
    written: [],
    pinned: undefined,
    requested: undefined,
    stopped: false,
  }
}

export function endpointOf(view: ClusterView, id: string | undefined): EndpointView | undefined {
  return id === undefined ? undefined : view.endpoints.find((each) => each.id === id)
}

export function stateOf(endpoint: EndpointView): EndpointState {
  return endpoint.standing.state
}

/** True while an endpoint is up, trusted, and nothing is known against it. */
export function isSteady({ doubt, heldFor, lastError, standing }: EndpointView): boolean {
  return (
    standing.state === 'UP' &&
    standing.trusted &&
    standing.failures === 0 &&
    doubt === undefined &&
    heldFor === undefined &&
    lastError === undefined
  )
}

/** True for a primary that refuses writes, as it was set up to, or set to later. */
export function isReadOnlyPrimary({ result, role }: EndpointView): boolean {
  return role === 'primary' && result?.writable === false
}

/** The role of an endpoint, for messages. */
export function roleInWords(endpoint: EndpointView): string {
  return isReadOnlyPrimary(endpoint) ? 'a primary that is read-only' : endpoint.role
}

/** True if no endpoint can ever work as configured: each was refused for a reason that only a person can mend. */
export function isRefusedForGood({ endpoints }: ClusterView): boolean {
  return endpoints.every((each) => stateOf(each) === 'QUARANTINED' && !each.everConnected)
}
