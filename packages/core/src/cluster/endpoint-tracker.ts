import type { ProbeResult } from '../driver/contract.js'
import { messageOf } from '../errors.js'
import type { EventEmitter } from '../events/emitter.js'
import { summarize } from '../events/events.js'
import type { ProbeOutcome, SuccessfulProbe } from '../health/prober.js'
import type { Clock } from '../time/clock.js'
import type { EndpointState } from '../vocabulary/states.js'
import type { ClusterIdentity } from './cluster-identity.js'
import { Divergence } from './divergence.js'
import type { History } from './history.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { FailoverKnobs } from './options.js'
import { ReplicationLag } from './replication-lag.js'
import { stateIs } from './states.js'
import { nextStanding, putInto } from './transition.js'

const LAG_MEMORY_MS = 600_000
const STRAY =
  'has applied what the present primary never wrote, so it cannot follow it: rewind it or rebuild it'

export interface TrackerContext {
  readonly name: string
  readonly clock: Clock
  readonly events: EventEmitter
}

/** Turns what probes say into what is known of each endpoint. */
export class EndpointTracker<C extends object> {
  readonly #name: string
  readonly #knobs: FailoverKnobs
  readonly #clock: Clock
  readonly #events: EventEmitter
  readonly #lag: ReplicationLag
  readonly #divergence: Divergence<ManagedEndpoint<C>>
  readonly #onState: (endpoint: ManagedEndpoint<C>, from: EndpointState) => void
  readonly #identity: ClusterIdentity

  constructor(
    { clock, events, name }: TrackerContext,
    knobs: FailoverKnobs,
    identity: ClusterIdentity,
    history: History,
    onState: (endpoint: ManagedEndpoint<C>, from: EndpointState) => void,
  ) {
    this.#name = name
    this.#knobs = knobs
    this.#clock = clock
    this.#events = events
    this.#identity = identity
    this.#lag = new ReplicationLag(LAG_MEMORY_MS, history.covers)
    this.#divergence = new Divergence(history)
    this.#onState = onState
  }

  /** Another cluster is followed: what was seen of the one before says nothing of it. */
  clusterChanged(): void {
    this.#divergence.reset()
  }

  /** Applies what is known of the cluster now to an endpoint that was seen before. */
  reconsider(endpoint: ManagedEndpoint<C>): void {
    const { result, standing, state } = endpoint
    if (result === undefined) return
    // It has answered, and nothing has been decided about it yet.
    const undecided = state === 'UNKNOWN' && standing.successes > 0
    if (this.#identity.isStranger(result)) {
      this.mark(endpoint, 'QUARANTINED', this.#identity.strangeness(result))
      return
    }
    endpoint.doubt = this.#identity.doubt(endpoint.origin, result)
    if (endpoint.doubt !== undefined && (hasSay(state) || undecided)) {
      endpoint.lastError = { name: 'Error', message: endpoint.doubt }
      this.mark(endpoint, 'UNPROVEN', endpoint.doubt)
    } else if (endpoint.doubt === undefined && (state === 'UNPROVEN' || undecided)) {
      endpoint.lastError = undefined
      this.mark(endpoint, standing.trusted ? 'UP' : 'PROBATION', 'belongs to the cluster')
    }
  }

  /** Another server is the writer. `position` is where it goes on in the same history; undefined for another one. */
  followLag(position: string | undefined): void {
    if (position === undefined) this.#lag.reset()
    else this.#lag.rebase(position)
  }

  /** Applies one probe. `isWriter` tells whether its position is the one that others are measured against. */
  apply(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome, isWriter: boolean): void {
    const now = this.#clock.now()
    endpoint.standing = nextStanding(endpoint.standing, outcome, now, {
      suspectCount: this.#knobs.suspectCount,
      failbackSuccesses: this.#knobs.failbackSuccesses,
      stableMs: endpoint.stableMs(this.#knobs.failbackStableMs),
    })
    const before = endpoint.reportedState
    let reason: string
    if (outcome.ok) {
      this.#trackRights(endpoint, outcome.result)
      endpoint.result = outcome.result
      endpoint.doubt = this.#identity.doubt(endpoint.origin, outcome.result)
      reason = `answered in ${Math.round(outcome.durationMs)} ms as ${outcome.result.role}`
      const stranger = this.#identity.isStranger(outcome.result)
      const stray = !stranger && this.#isStray(endpoint, outcome, isWriter, now)
      if (stranger || stray) {
        endpoint.standing = putInto(endpoint.standing, 'QUARANTINED')
        reason = stray ? STRAY : this.#identity.strangeness(outcome.result)
      } else if (before === 'FENCED' && outcome.result.role === 'primary') {
        // Only an election lifts a fence from a primary.
        endpoint.standing = putInto(endpoint.standing, 'FENCED')
      }
      endpoint.lastError = stranger || stray ? { name: 'Error', message: reason } : undefined
      this.#trackRole(endpoint, outcome.result)
      this.#trackLag(endpoint, outcome.result, isWriter, now)
    } else {
      endpoint.lastError = summarize(outcome.error)
      reason = messageOf(outcome.error)
    }
    if (endpoint.doubt !== undefined && hasSay(endpoint.state)) {
      endpoint.standing = putInto(
        endpoint.standing,
        this.#identity.pending ? 'UNKNOWN' : 'UNPROVEN',
      )
      endpoint.lastError = { name: 'Error', message: endpoint.doubt }
      reason = endpoint.doubt
    }
    if (endpoint.heldFor !== undefined) {
      endpoint.standing = putInto(endpoint.standing, 'QUARANTINED')
      endpoint.lastError = { name: 'Error', message: endpoint.heldFor }
    }
    this.report(endpoint, reason)
  }

  /** Applies a probe that differs from the one before in nothing but the position, of an endpoint that is up. */
  keepUp(endpoint: ManagedEndpoint<C>, outcome: SuccessfulProbe, isWriter: boolean): void {
    const now = this.#clock.now()
    endpoint.result = outcome.result
    if (this.#isStray(endpoint, outcome, isWriter, now)) {
      endpoint.lastError = { name: 'Error', message: STRAY }
      this.mark(endpoint, 'QUARANTINED', STRAY)
    } else this.#trackLag(endpoint, outcome.result, isWriter, now)
  }

  /** Puts an endpoint into a state for a reason other than a probe. */
  mark(endpoint: ManagedEndpoint<C>, state: EndpointState, reason: string): void {
    endpoint.standing = putInto(endpoint.standing, state)
    this.report(endpoint, reason)
  }

  report(endpoint: ManagedEndpoint<C>, reason: string): void {
    const from = endpoint.reportedState
    const to = endpoint.state
    if (from === to) return
    endpoint.reportedState = to
    endpoint.since = new Date(this.#clock.wallTime())
    const now = this.#clock.now()
    if (from === 'PROBATION' && to === 'UP') endpoint.trustedAt = now
    else if (to === 'DOWN') endpoint.fell(now, this.#knobs.failbackStableMs)
    this.#events.emit({
      type: 'endpointStateChanged',
      pool: this.#name,
      endpoint: endpoint.id,
      from,
      to,
      role: endpoint.role,
      reason,
    })
    this.#onState(endpoint, from)
  }

  #trackRights(endpoint: ManagedEndpoint<C>, { missing = [] }: ProbeResult): void {
    const before = namesOf(endpoint.result?.missing)
    if (namesOf(missing) === before) return
    const pool = this.#name
    this.#events.emit(
      missing.length === 0
        ? { type: 'rightsGranted', pool, endpoint: endpoint.id }
        : { type: 'rightsMissing', pool, endpoint: endpoint.id, missing },
    )
  }

  /** Whether this is a standby that has left the writer's history; an answer of the writer may find others. */
  #isStray(
    endpoint: ManagedEndpoint<C>,
    { result, durationMs }: Extract<ProbeOutcome, { ok: true }>,
    isWriter: boolean,
    now: number,
  ): boolean {
    const { history, position, role, startedAt } = result
    if (!this.#identity.known || position === undefined) return false
    if (endpoint.doubt !== undefined) return false
    if (role === 'standby') {
      this.#divergence.applied(endpoint, now, position, startedAt)
      return this.#divergence.has(endpoint)
    }
    this.#divergence.forget(endpoint)
    if (isWriter) {
      for (const each of this.#divergence.written(now - durationMs, position, history)) {
        each.lastError = { name: 'Error', message: STRAY }
        this.mark(each, 'QUARANTINED', STRAY)
      }
    }
    return false
  }

  #trackRole(endpoint: ManagedEndpoint<C>, result: ProbeResult): void {
    if (endpoint.role === result.role) return
    const from = endpoint.role
    endpoint.role = result.role
    if (from === 'unknown') return
    this.#events.emit({
      type: 'roleChanged',
      pool: this.#name,
      endpoint: endpoint.id,
      from,
      to: result.role,
    })
  }

  #trackLag(
    endpoint: ManagedEndpoint<C>,
    result: ProbeResult,
    isWriter: boolean,
    now: number,
  ): void {
    const { position } = result
    if (position === undefined) return
    if (isWriter) this.#lag.written(now, position)
    if (result.role !== 'standby') {
      endpoint.lagMs = undefined
      endpoint.lagging = false
      return
    }
    endpoint.lagMs = this.#lag.of(now, position)
    // Leaves at the bound, comes back at half of it, so that it does not hop in and out.
    const before = endpoint.lagging
    endpoint.lagging = endpoint.lagMs > (before ? this.#knobs.maxLagMs / 2 : this.#knobs.maxLagMs)
    if (endpoint.lagging === before) return
    this.#events.emit({
      type: endpoint.lagging ? 'standbyFellBehind' : 'standbyCaughtUp',
      pool: this.#name,
      endpoint: endpoint.id,
      lagMs: endpoint.lagMs,
    })
  }
}

function namesOf(missing: ProbeResult['missing'] = []): string {
  return missing.map(({ name }) => name).join()
}

/** Whether an endpoint has a say in who is the writer, which it loses if it is in doubt. */
function hasSay(state: EndpointState): boolean {
  return stateIs(state, 'alive') && state !== 'SUSPECT'
}
