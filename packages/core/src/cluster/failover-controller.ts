import { type FailureKind, isFatal, type ProbeResult } from '../driver/contract.js'
import { FailoverFailedError } from '../errors.js'
import { contextOf, failoverChannel } from '../events/channels.js'
import type { EventEmitter } from '../events/emitter.js'
import type { FailoverCompletedEvent } from '../events/events.js'
import { STATE_WORDS } from '../events/state-words.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { ProbeOutcome, SuccessfulProbe } from '../health/prober.js'
import { saysTheSame } from '../health/same-answer.js'
import type { ServerChange } from '../pool/server-change.js'
import type { Clock, TimerHandle } from '../time/clock.js'
import type { ClusterState, EndpointState } from '../vocabulary/states.js'
import type { Target } from '../vocabulary/target.js'
import { areRefusedForGood, type Cluster, describeOutcome } from './cluster.js'
import { ClusterIdentity } from './cluster-identity.js'
import { type Candidate, elect, electInOrder } from './elect.js'
import { EndpointTracker } from './endpoint-tracker.js'
import type { History } from './history.js'
import { type ManagedEndpoint, UNSEEN } from './managed-endpoint.js'
import type { FailoverKnobs } from './options.js'
import { Promotions } from './promotions.js'
import { select, serves } from './selection.js'
import { stateIs } from './states.js'
import { conditionOf, forgetIfLost, isInTrouble, recheck } from './trouble.js'
import { WriterSearch } from './writer-search.js'

export interface FailoverContext<C extends object> {
  readonly name: string
  readonly clock: Clock
  readonly events: EventEmitter
  /** Who serves whom has changed: waiters that stand in the wrong queue must move. */
  readonly onRoutesChanged: () => void
  readonly history: History
  /** Something is wrong with an endpoint. */
  readonly onTrouble: () => void
  /** An endpoint is out of service. */
  readonly onLost: (endpoint: ManagedEndpoint<C>) => void
}

/**
 * At the start an earlier endpoint of a list gets so many times as long as the first that answers took: it may be as far,
 * and who is moved to it later has been sent to another server before.
 */
const START_PATIENCE = 3

/**
 * A cluster of several endpoints: decides which one is the writer and moves callers there. It acts on the outcomes of probes alone; trouble
 * that connections report only makes it probe at once.
 */
export class FailoverController<C extends object> implements Cluster<C> {
  readonly #endpoints: readonly ManagedEndpoint<C>[]
  readonly #mode: 'role' | 'ordered'
  readonly #knobs: FailoverKnobs
  readonly #context: FailoverContext<C>
  readonly #identity: ClusterIdentity
  readonly #tracker: EndpointTracker<C>
  readonly #promotions = new Promotions()
  readonly #search: WriterSearch
  #monitor: HealthMonitor<C> | undefined
  #writer: ManagedEndpoint<C> | undefined
  /** The writer before the one there is now, or before there was none. */
  #left: ManagedEndpoint<C> | undefined
  #leftAlive = false
  /** The endpoint an operator chose; it is not left for a preferred one. */
  #pinned: ManagedEndpoint<C> | undefined
  /** Its probe is being weighed: it serves nobody before it is known whom it may serve. */
  #judged: ManagedEndpoint<C> | undefined
  #requested: string | undefined
  /** The latest history that was followed. */
  #latest: string | undefined
  /** The cluster of the server that showed it. */
  #latestSeenIn: string | undefined
  /** What standbys followed when an operator accepted an older primary. */
  #accepted: readonly string[] = []
  #epoch = 0
  #state: ClusterState = 'DEGRADED'
  #surveyed = false
  /** The first round of probes is over. */
  #seenOnce = false
  #startedAt = 0
  /** When the first endpoint answered. */
  #firstAnswerAt: number | undefined
  #graceTimer: TimerHandle | undefined
  #stopped = false

  constructor(
    endpoints: readonly ManagedEndpoint<C>[],
    mode: 'role' | 'ordered',
    knobs: FailoverKnobs,
    context: FailoverContext<C>,
  ) {
    this.#endpoints = endpoints
    this.#mode = mode
    this.#knobs = knobs
    this.#context = context
    this.#identity = new ClusterIdentity(mode === 'role', knobs.cluster)
    this.#tracker = new EndpointTracker(
      context,
      knobs,
      this.#identity,
      context.history,
      (endpoint, from) => this.#onState(endpoint, from),
    )
    this.#search = new WriterSearch(knobs, context.clock, (attempt, final) =>
      this.#attemptFailed(attempt, final),
    )
  }

  get mode(): 'role' | 'ordered' {
    return this.#mode
  }

  get writer(): ManagedEndpoint<C> | undefined {
    return this.#writer
  }

  get epoch(): number {
    return this.#epoch
  }

  get state(): ClusterState {
    return this.#state
  }

  get lineage(): Cluster<C>['lineage'] {
    return this.#writer?.result ?? { cluster: this.#identity.cluster, history: this.#latest }
  }

  /** Time until the next round of probes: short while something is being decided. */
  get urgent(): boolean {
    return this.#search.running || this.#endpoints.some((endpoint) => endpoint.state === 'SUSPECT')
  }

  /** How long a writer has been looked for; 0 while there is one. */
  get searchingMs(): number {
    return this.#search.durationMs
  }

  /** True if no endpoint can ever work as configured: each was refused for a reason that only a person can mend. */
  get refusedForGood(): boolean {
    return areRefusedForGood(this.#endpoints)
  }

  /** Starts to probe; resolves when every endpoint has been seen once. */
  async start(monitor: HealthMonitor<C>): Promise<void> {
    this.#monitor = monitor
    this.#startedAt = this.#context.clock.now()
    await monitor.start()
    this.#seenOnce = true
    this.#surveyIfKnown()
  }

  /** From now on nothing that is still under way has any effect. */
  stop(): void {
    this.#stopped = true
    this.#context.clock.clearTimeout(this.#graceTimer)
    this.#search.stop()
  }

  pick(target: Target): ManagedEndpoint<C> | undefined {
    return select(this.#endpoints, target, this.#writer)
  }

  /** A standby fit to read from that `accepts` chooses, the one with the least to do. */
  reader(accepts: (endpoint: ManagedEndpoint<C>) => boolean): ManagedEndpoint<C> | undefined {
    return select(this.#endpoints.filter(accepts), 'standby', undefined)
  }

  serves(endpoint: ManagedEndpoint<C>, target: Target): boolean {
    return serves(endpoint, target, this.#writer)
  }

  observe(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome): void {
    if (this.#stopped || !this.#endpoints.includes(endpoint)) return
    if (outcome.ok && this.#isNoNews(endpoint, outcome)) {
      this.#keepUp(endpoint, outcome)
      return
    }
    if (outcome.ok) {
      // Of another database it says nothing.
      if (outcome.elsewhere !== true) endpoint.everConnected = true
      this.#firstAnswerAt ??= this.#context.clock.now()
    }
    const role = endpoint.role
    const readable = endpoint.lagging
    const served = stateIs(endpoint.state, 'serves')
    this.#judged = endpoint
    this.#tracker.apply(endpoint, outcome, endpoint === this.#writer)
    if (outcome.ok) {
      this.#remember(endpoint)
      endpoint.pool.server.answered(outcome, this.#knobs.probeTimeoutMs)
    }
    if (role !== endpoint.role) endpoint.pool.serverChanged({ roleChanged: true })
    if (endpoint.heldFor !== undefined && endpoint.standing.failures >= this.#knobs.suspectCount)
      endpoint.pool.serverChanged({ dead: describeOutcome(outcome) })
    if (!outcome.ok) recheck(endpoint, outcome.timedOut, this.#context.clock, () => this.#monitor)
    if (this.#surveyed) this.#evaluate(describeOutcome(outcome))
    else if (this.#seenOnce) this.#surveyIfKnown()
    else if (outcome.ok) this.#foundAtStart(endpoint)
    this.#judged = undefined
    if (!served && stateIs(endpoint.state, 'serves')) endpoint.pool.serverChanged({ serving: true })
    if (role !== endpoint.role || readable !== endpoint.lagging) this.#context.onRoutesChanged()
  }

  /** Whether a probe says what the one before has said, at a time when nothing is to be decided. */
  #isNoNews(endpoint: ManagedEndpoint<C>, outcome: SuccessfulProbe): boolean {
    return (
      this.#state === 'STEADY' &&
      this.#surveyed &&
      !this.#search.running &&
      endpoint.isSteady &&
      (outcome.elsewhere === true || endpoint.everConnected) &&
      saysTheSame(outcome.result, endpoint.result, this.#context.history.order)
    )
  }

  /** Takes over what changes all the time, without an election: this is all that most probes come to. */
  #keepUp(endpoint: ManagedEndpoint<C>, outcome: SuccessfulProbe): void {
    const readable = endpoint.lagging
    const isWriter = endpoint === this.#writer
    this.#tracker.keepUp(endpoint, outcome, isWriter)
    if (isWriter) this.#noteHistory(outcome.result)
    endpoint.pool.server.answered(outcome, this.#knobs.probeTimeoutMs)
    if (readable !== endpoint.lagging) this.#context.onRoutesChanged()
  }

  /** A connection met trouble: asks every server how it is before anybody else runs into it. */
  trouble(endpoint: ManagedEndpoint<C>, kind: FailureKind, reason: string): void {
    if (!isFatal(kind) && kind !== 'starting') return
    if (!this.#endpoints.includes(endpoint)) return
    if (stateIs(endpoint.state, 'open')) this.#tracker.mark(endpoint, 'SUSPECT', reason)
    if (this.#monitor?.started === true) this.#monitor.roundAfterTrouble()
  }

  /** A server that is being shut down waits for its sessions: they get no new callers, and go as they come back. */
  drain(endpoint: ManagedEndpoint<C>, reason: string): void {
    endpoint.draining = true
    endpoint.lastError = { name: 'Error', message: reason }
    this.#tracker.mark(endpoint, 'STARTING', reason)
    this.#evaluate(reason)
  }

  /**
   * Moves to another endpoint on request. With replication the servers decide who is the primary, so this follows
   * them at once rather than waiting for the next round.
   *
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if the endpoint asked for cannot take over
   */
  async failover(to?: string): Promise<void> {
    await this.#monitor?.round()
    const wanted = to === undefined ? undefined : this.#find(to)
    if (this.#mode === 'role') {
      this.#followPrimary(wanted)
      return
    }
    const next =
      wanted ?? this.#endpoints.find((each) => each !== this.#writer && each.state === 'UP')
    if (next === undefined) throw new FailoverFailedError('no other endpoint is up')
    if (!stateIs(next.state, 'open')) {
      throw new FailoverFailedError(
        `${next.id} is ${next.state}: ${next.lastError?.message ?? 'not probed yet'}`,
      )
    }
    this.#pinned = next.order === 0 ? undefined : next
    this.#requested = next.id
    this.#evaluate('requested')
  }

  /**
   * Accepts the cluster and history that are found next, after the cluster has been rebuilt. Which cluster it is, the
   * servers of the options say that answer now; if none does, it stays the one it was.
   */
  async reset(): Promise<void> {
    this.#latest = undefined
    this.#latestSeenIn = undefined
    this.#promotions.reset()
    this.#acceptHistories()
    this.#identity.reopen()
    this.#tracker.clusterChanged()
    for (const each of this.#endpoints) {
      each.heldFor = undefined
      if (each.state === 'FENCED' || each.state === 'QUARANTINED') {
        this.#tracker.mark(each, 'UNKNOWN', 'reset by an operator')
      }
    }
    await this.#monitor?.round()
    this.#adoptCluster()
    this.#identity.settle()
    for (const each of this.#endpoints) this.#tracker.reconsider(each)
    this.#acceptHistories()
    this.#evaluate('reset')
  }

  /**
   * Takes an endpoint out of service until it is released: it gets no new callers; who has a connection to it may
   * finish.
   */
  quarantine(id: string, reason: string): void {
    const endpoint = this.#find(id)
    endpoint.heldFor = reason
    endpoint.lastError = { name: 'Error', message: reason }
    this.#tracker.mark(endpoint, 'QUARANTINED', reason)
    this.#evaluate(reason)
  }

  /** Puts an endpoint that was taken out of service to use again, if it is fit for it. */
  async unquarantine(id: string): Promise<void> {
    const endpoint = this.#find(id)
    if (endpoint.heldFor === undefined) return
    endpoint.heldFor = undefined
    endpoint.lastError = undefined
    endpoint.standing = UNSEEN
    this.#tracker.report(endpoint, 'released by an operator')
    await this.#monitor?.check(endpoint)
    this.#evaluate('released by an operator')
  }

  /** An endpoint is no longer one of ours. */
  remove(endpoint: ManagedEndpoint<C>): void {
    if (this.#pinned === endpoint) this.#pinned = undefined
    if (this.#surveyed && endpoint === this.#writer) this.#evaluate('it is no longer named')
  }

  #find(id: string): ManagedEndpoint<C> {
    const found = this.#endpoints.find(
      (each) => each.id === id || `${each.endpoint.host}:${each.endpoint.port}` === id,
    )
    if (found !== undefined) return found
    const known = this.#endpoints.map((each) => each.id).join(', ')
    throw new FailoverFailedError(`there is no endpoint "${id}"; there are ${known}`)
  }

  #followPrimary(wanted: ManagedEndpoint<C> | undefined): void {
    if (wanted === undefined || wanted === this.#writer) return
    throw new FailoverFailedError(
      `${wanted.id} is a ${wanted.role}: promote it on the server, and callers follow by themselves`,
    )
  }

  /** One that could be the writer waits a moment for the others, but not for hosts that swallow every packet. */
  #foundAtStart(endpoint: ManagedEndpoint<C>): void {
    const preferred = this.#mode === 'role' ? endpoint.result?.writable : endpoint.order === 0
    if (preferred !== true || this.#graceTimer !== undefined || this.#monitor?.started !== true)
      return
    this.#graceTimer = this.#context.clock.setTimeout(
      () => this.#survey(),
      this.#knobs.probeTimeoutMs,
    )
  }

  /** Decides after the first round, or in a list once nothing is expected of those before the first that answers. */
  #surveyIfKnown(): void {
    const { clock } = this.#context
    clock.clearTimeout(this.#graceTimer)
    if (this.#mode === 'role' || this.#surveyed) {
      this.#survey()
      return
    }
    const found = this.#endpoints.findIndex((each) => each.result !== undefined)
    const before = found < 0 ? this.#endpoints : this.#endpoints.slice(0, found)
    if (!before.some((each) => each.state === 'SUSPECT' && each.result === undefined)) {
      this.#survey()
      return
    }
    // Whichever answers first.
    if (this.#firstAnswerAt === undefined) return
    const patienceMs = START_PATIENCE * (this.#firstAnswerAt - this.#startedAt)
    const leftMs = this.#startedAt + patienceMs - clock.now()
    if (leftMs > 0) this.#graceTimer = clock.setTimeout(() => this.#survey(), leftMs)
    else this.#survey()
  }

  /** From now on what has been seen decides. */
  #survey(): void {
    if (this.#stopped) return
    this.#surveyed = true
    this.#identity.surveyed()
    this.#adoptCluster()
    for (const each of this.#endpoints) this.#tracker.reconsider(each)
    this.#evaluate('start')
  }

  #onState(endpoint: ManagedEndpoint<C>, from: EndpointState): void {
    const { state } = endpoint
    forgetIfLost(endpoint)
    if (isInTrouble(state)) this.#context.onTrouble()
    this.#monitor?.hurry()
    if (stateIs(state, 'lost')) this.#context.onLost(endpoint)
    if (state !== 'STARTING') endpoint.draining = false
    // Callers of a suspect endpoint wait for the verdict, a few milliseconds, rather than for its sockets.
    const serves = stateIs(state, 'serves')
    endpoint.pool.serverChanged({
      condition: conditionOf(state),
      ...(serves && endpoint === this.#judged ? {} : { serving: serves }),
      ...fateOfConnections(endpoint),
    })
    if (from === 'UP' || state === 'UP' || this.refusedForGood) this.#context.onRoutesChanged()
  }

  /** Holds an election and acts on it. */
  #evaluate(reason: string): void {
    if (this.#stopped) return
    // One connection in trouble is no reason to leave for an independent server; the probe under way decides.
    if (this.#mode === 'ordered' && this.#writer?.state === 'SUSPECT') return
    this.#adoptCluster()
    const memory = {
      accepted: this.#accepted,
      writer: (this.#writer ?? this.#left)?.id,
      left: this.#writer === undefined,
      latest: this.#latest,
      splitBrain: this.#knobs.splitBrain,
    }
    const candidates = this.#endpoints
      .filter((each) => each.doubt === undefined)
      .map((each) => toCandidate(each, this.#promotions))
    const election =
      this.#mode === 'role'
        ? elect(candidates, memory, this.#context.history.order)
        : electInOrder(this.#inPreferredOrder(candidates), memory)
    for (const id of election.fenced) this.#fence(id)
    if (election.outcome === 'writer') {
      const elected = this.#endpoints.find((each) => each.id === election.id)
      if (elected?.state === 'FENCED')
        this.#tracker.mark(elected, 'PROBATION', 'no newer primary is known any more')
      if (elected !== undefined && elected !== this.#writer)
        this.#switchTo(elected, this.#whyTo(elected))
      if (elected?.result !== undefined) this.#noteHistory(elected.result)
      this.#settle('STEADY', reason)
      return
    }
    // Nothing is known against the writer yet; its next probe decides.
    if (election.outcome === 'none' && this.#writer?.state === 'SUSPECT') return
    if (this.#writer !== undefined) this.#leave(this.#writer, election.reason)
    this.#search.start()
    this.#settle(
      election.outcome === 'split-brain' ? 'SPLIT_BRAIN' : this.#writerlessState(),
      election.reason,
    )
  }

  /** Takes over the identity of the cluster that the servers of the options belong to; never that of any other server. */
  #adoptCluster(): void {
    if (!this.#identity.open) return
    const showing = this.#endpoints.filter(
      (each) =>
        (stateIs(each.state, 'alive') || each.state === 'UNPROVEN') &&
        each.result?.cluster !== undefined,
    )
    const resolved = showing.filter((each) => each.origin === 'resolved')
    const first = showing.find((each) => each.origin === 'configured') ?? resolved[0]
    const cluster = first?.result?.cluster
    if (first === undefined || cluster === undefined) return
    // The addresses of one name stand in no order that means anything.
    const contested =
      first.origin === 'resolved' && resolved.some((each) => each.result?.cluster !== cluster)
    if (contested) this.#identity.contest(contestOf(resolved))
    else {
      this.#identity.adopt(cluster)
      this.#tracker.clusterChanged()
      if (this.#latestSeenIn !== cluster) this.#latest = undefined
    }
    for (const each of this.#endpoints) this.#tracker.reconsider(each)
  }

  #remember({ doubt, id, result, role, state }: ManagedEndpoint<C>): void {
    if (doubt !== undefined || state === 'QUARANTINED') return
    if (role === 'standby') this.#promotions.sawStandby(id)
    else if (role === 'primary') this.#promotions.sawPrimary(id, result?.server)
  }

  #noteHistory({ cluster, history }: ProbeResult): void {
    if (history === undefined || history === this.#latest) return
    if (
      this.#latest !== undefined &&
      this.#context.history.order(history, this.#latest) === 'older'
    )
      return
    this.#latest = history
    this.#latestSeenIn = cluster
  }

  /** A primary that is older than what standbys follow now is accepted from now on. */
  #acceptHistories(): void {
    this.#accepted = this.#endpoints
      .filter((each) => each.role === 'standby')
      .map((each) => each.result?.history)
      .filter((history) => history !== undefined)
  }

  /** In ordered mode the pinned endpoint comes first, and without automatic failback the one that serves now. */
  #inPreferredOrder(candidates: Candidate[]): Candidate[] {
    const first = this.#pinned ?? (this.#knobs.autoFailback ? undefined : this.#writer)
    if (first === undefined) return candidates
    return [...candidates].sort((a, b) => Number(b.id === first.id) - Number(a.id === first.id))
  }

  #fence(id: string): void {
    const endpoint = this.#endpoints.find((each) => each.id === id)
    if (endpoint === undefined || endpoint.state === 'FENCED') return
    this.#tracker.mark(endpoint, 'FENCED', 'claims to be the primary, but a newer one is known')
  }

  #leave(writer: ManagedEndpoint<C>, reason: string): void {
    this.#writer = undefined
    this.#left = writer
    this.#leftAlive = stateIs(writer.state, 'serves')
    this.#search.start()
    const { events, name } = this.#context
    events.publish(failoverChannel.start, contextOf({ endpoint: writer.endpoint, poolName: name }))
    events.emit({ type: 'failoverStarted', pool: name, endpoint: writer.id, reason })
    // Its idle connections are of no use to writers; what is still running on a living server may finish.
    writer.pool.serverChanged({ outdated: reason })
    this.#context.onRoutesChanged()
    this.#monitor?.hurry()
  }

  #switchTo(writer: ManagedEndpoint<C>, reason: string): void {
    if (this.#writer !== undefined) this.#leave(this.#writer, reason)
    const from = this.#left
    const returned = from === undefined || from === writer
    const durationMs = this.#search.durationMs
    if (!returned) this.#epoch += 1
    if (from !== undefined) this.#promotions.succeeded(from.id, writer.id)
    this.#writer = writer
    this.#left = undefined
    this.#search.stop()
    this.#tracker.followLag(this.#mode === 'role' ? writer.result?.position : undefined)
    if (this.#pinned !== undefined && this.#pinned !== writer) this.#pinned = undefined
    for (const each of this.#endpoints) {
      if (this.#mode === 'role')
        each.pool.serverChanged({ requiredRole: each === writer ? 'primary' : 'standby' })
    }
    writer.pool.serverChanged({ roleChanged: true, crowded: !returned, serving: true })
    this.#context.onRoutesChanged()
    const { events, name } = this.#context
    events.publish(
      failoverChannel.asyncEnd,
      contextOf({ endpoint: writer.endpoint, poolName: name }),
    )
    if (returned) return
    events.emit({
      type: this.#kindOfMove(from, writer),
      pool: name,
      endpoint: writer.id,
      from: from.id,
      epoch: this.#epoch,
      reason,
      durationMs,
    })
  }

  #whyTo(writer: ManagedEndpoint<C>): string {
    if (this.#requested === writer.id) return 'requested by an operator'
    if (this.#mode === 'role') return `${writer.id} is the primary`
    const from = this.#writer ?? this.#left
    return from !== undefined && writer.order < from.order
      ? `${writer.id} is preferred, and is trusted again`
      : `${writer.id} is the first that answers`
  }

  #kindOfMove(from: ManagedEndpoint<C>, to: ManagedEndpoint<C>): FailoverCompletedEvent['type'] {
    const requested = this.#requested === to.id
    this.#requested = undefined
    if (requested) return to.order < from.order ? 'failbackCompleted' : 'switchoverCompleted'
    if (this.#mode === 'ordered' && to.order < from.order) return 'failbackCompleted'
    return this.#leftAlive ? 'switchoverCompleted' : 'failoverCompleted'
  }

  #attemptFailed(attempt: number, final: boolean): void {
    const { events, name } = this.#context
    const errors = this.#endpoints.map(
      (each) => `${each.id} is ${each.state}: ${each.lastError?.message ?? each.roleInWords}`,
    )
    events.emit({
      type: 'failoverFailed',
      pool: name,
      endpoint: this.#left?.id,
      attempt,
      reason: errors.join('; '),
      durationMs: this.#search.durationMs,
    })
    if (final && this.#state !== 'SPLIT_BRAIN')
      this.#settle(this.#writerlessState(), 'no writer was found')
  }

  #writerlessState(): ClusterState {
    if (!this.#endpoints.some((each) => stateIs(each.state, 'alive'))) {
      return this.#search.exhausted || this.#left === undefined ? 'ALL_DOWN' : 'FAILING_OVER'
    }
    return this.#search.exhausted || this.#left === undefined ? 'DEGRADED' : 'FAILING_OVER'
  }

  #settle(state: ClusterState, reason: string): void {
    if (state === this.#state) return
    const from = this.#state
    this.#state = state
    const { events, name } = this.#context
    events.emit({ type: 'clusterStateChanged', pool: name, from, to: state, reason })
  }
}

/** What becomes of the connections to an endpoint that has just come into its state. */
function fateOfConnections<C extends object>(
  endpoint: ManagedEndpoint<C>,
): Pick<ServerChange, 'dead' | 'outdated'> {
  const { doubt, draining, heldFor, id, lastError, state } = endpoint
  if (heldFor !== undefined) return { outdated: heldFor }
  if (state === 'UNPROVEN') return { outdated: doubt ?? state }
  if (draining) return { outdated: lastError?.message ?? state }
  if (!stateIs(state, 'lost')) return {}
  return { dead: `${id} ${STATE_WORDS[state]}: ${lastError?.message ?? ''}` }
}

function contestOf<C extends object>(resolved: readonly ManagedEndpoint<C>[]): string {
  const claims = resolved.map((each) => `${each.id}: ${each.result?.cluster}`).join(', ')
  return `the addresses of a name lead to different clusters (${claims}): set failover.cluster to the one that is meant`
}

function toCandidate<C extends object>(
  endpoint: ManagedEndpoint<C>,
  promotions: Promotions,
): Candidate {
  return {
    id: endpoint.id,
    state: endpoint.state,
    role: endpoint.role,
    writable: endpoint.result?.writable ?? false,
    server: endpoint.result?.server,
    history: endpoint.result?.history,
    named: endpoint.named,
    promoted: promotions.promoted(endpoint.id),
    superseded: promotions.superseded(endpoint.id),
  }
}
