import { type FailureKind, isFatal } from '../driver/contract.js'
import { FailoverFailedError } from '../errors.js'
import type { EventEmitter } from '../events/emitter.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { ProbeOutcome } from '../health/prober.js'
import { saysTheSame } from '../health/same-answer.js'
import type { Clock } from '../time/clock.js'
import type { ClusterState, EndpointState } from '../vocabulary/states.js'
import type { Target } from '../vocabulary/target.js'
import { areRefusedForGood, type Cluster, describeOutcome } from './cluster.js'
import { ClusterIdentity } from './cluster-identity.js'
import { EndpointTracker } from './endpoint-tracker.js'
import { type History, NO_HISTORY } from './history.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { FailoverKnobs } from './options.js'
import { select } from './selection.js'
import { stateIs } from './states.js'
import { conditionOf, forgetIfLost, isInTrouble, recheck } from './trouble.js'

export interface FixedClusterContext<C extends object> {
  readonly name: string
  readonly clock: Clock
  readonly events: EventEmitter
  readonly history: History
  /** Something is wrong with an endpoint. */
  readonly onTrouble: () => void
  /** An endpoint is out of service. */
  readonly onLost: (endpoint: ManagedEndpoint<C>) => void
  readonly onRoutesChanged: () => void
}

/**
 * Endpoints whose roles the configuration says, so that there is nothing to elect: a single server, which is used whatever
 * its role, since the caller named no other, or the writer and the readers of one file. Callers are sent to an endpoint also
 * while it is down: its pool serves them as soon as it is back.
 */
export class FixedCluster<C extends object> implements Cluster<C> {
  readonly mode
  readonly epoch = 0
  readonly searchingMs = 0
  readonly writer: ManagedEndpoint<C>
  readonly #endpoints: readonly ManagedEndpoint<C>[]
  readonly #readers: readonly ManagedEndpoint<C>[]
  readonly #knobs: FailoverKnobs
  readonly #context: FixedClusterContext<C>
  readonly #tracker: EndpointTracker<C>
  #monitor: HealthMonitor<C> | undefined
  #state: ClusterState = 'STEADY'
  #stopped = false

  constructor(
    endpoints: readonly ManagedEndpoint<C>[],
    mode: Cluster<C>['mode'],
    knobs: FailoverKnobs,
    context: FixedClusterContext<C>,
  ) {
    this.#endpoints = endpoints
    this.mode = mode
    this.#knobs = knobs
    this.#context = context
    this.writer = (endpoints.find((each) => each.endpoint.role === 'primary') ??
      endpoints[0]) as ManagedEndpoint<C>
    this.#readers = endpoints.filter((each) => each !== this.writer)
    this.#tracker = new EndpointTracker(
      context,
      knobs,
      new ClusterIdentity(false, undefined),
      NO_HISTORY,
      (endpoint, from) => this.#onState(endpoint, from),
    )
  }

  get state(): ClusterState {
    return this.#state
  }

  get lineage(): Cluster<C>['lineage'] {
    return this.writer.result ?? {}
  }

  get urgent(): boolean {
    return this.#endpoints.some((each) => each.state === 'SUSPECT')
  }

  get refusedForGood(): boolean {
    return areRefusedForGood(this.#endpoints)
  }

  async start(monitor: HealthMonitor<C>): Promise<void> {
    this.#monitor = monitor
    await monitor.start()
  }

  stop(): void {
    this.#stopped = true
  }

  pick(target: Target): ManagedEndpoint<C> | undefined {
    if (target === 'primary' || target === 'any') return this.writer
    const [first] = this.#readers
    const reader = this.reader(() => true) ?? first
    if (target === 'standby')
      return reader ?? (this.serves(this.writer, target) ? this.writer : undefined)
    return reader !== undefined && !stateIs(reader.state, 'lost') ? reader : this.writer
  }

  reader(accepts: (endpoint: ManagedEndpoint<C>) => boolean): ManagedEndpoint<C> | undefined {
    return select(this.#readers.filter(accepts), 'standby', undefined)
  }

  serves(endpoint: ManagedEndpoint<C>, target: Target): boolean {
    switch (target) {
      case 'primary':
        return endpoint === this.writer
      case 'standby':
        return endpoint.endpoint.role !== 'primary'
      case 'prefer-standby':
      case 'any':
        return true
    }
  }

  observe(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome): void {
    if (this.#stopped) return
    const { lagging, role } = endpoint
    if (outcome.ok && this.#isNoNews(endpoint, outcome)) {
      this.#tracker.keepUp(endpoint, outcome, endpoint === this.writer)
      endpoint.pool.server.answered(outcome, this.#knobs.probeTimeoutMs)
      return
    }
    // Of another database it says nothing.
    if (outcome.ok && outcome.elsewhere !== true) endpoint.everConnected = true
    this.#tracker.apply(endpoint, outcome, endpoint === this.writer)
    if (outcome.ok) endpoint.pool.server.answered(outcome, this.#knobs.probeTimeoutMs)
    if (role !== endpoint.role) endpoint.pool.serverChanged({ roleChanged: true })
    if (!outcome.ok) recheck(endpoint, outcome.timedOut, this.#context.clock, () => this.#monitor)
    this.#settle(describeOutcome(outcome))
    if (role !== endpoint.role || lagging !== endpoint.lagging) this.#context.onRoutesChanged()
  }

  trouble(endpoint: ManagedEndpoint<C>, kind: FailureKind, reason: string): void {
    if (!isFatal(kind) && kind !== 'starting') return
    // One in another role is in no trouble: its pool chooses among its connections.
    if (kind !== 'read-only' && stateIs(endpoint.state, 'open'))
      this.#tracker.mark(endpoint, 'SUSPECT', reason)
    if (this.#monitor?.started !== true) return
    this.#monitor.checkAfterTrouble(endpoint)
    this.#monitor.hurry()
  }

  drain(endpoint: ManagedEndpoint<C>, reason: string): void {
    endpoint.lastError = { name: 'Error', message: reason }
    this.#tracker.mark(endpoint, 'STARTING', reason)
    this.#settle(reason)
  }

  async failover(): Promise<void> {
    throw this.#noOther()
  }

  quarantine(): void {
    throw this.#noOther()
  }

  async unquarantine(id: string): Promise<void> {
    if (!this.#endpoints.some((each) => each.id === id))
      throw new FailoverFailedError(
        `there is no endpoint "${id}"; there are ${this.#endpoints.map((each) => each.id).join(', ')}`,
      )
  }

  async reset(): Promise<void> {
    for (const each of this.#endpoints) {
      if (each.state === 'QUARANTINED') this.#tracker.mark(each, 'UNKNOWN', 'reset by an operator')
      // From now on it may be a standby for good.
      each.pool.serverChanged({ requiredRole: 'any' })
    }
    await this.#monitor?.round()
    this.#settle('reset')
  }

  remove(): void {}

  #noOther(): FailoverFailedError {
    return new FailoverFailedError(
      this.#endpoints.length === 1
        ? 'there is only one endpoint; add failoverUrls'
        : 'these endpoints are one database: there is no other to move to',
    )
  }

  /** Whether a probe says what the one before has said, at a time when nothing is wrong. */
  #isNoNews(endpoint: ManagedEndpoint<C>, outcome: Extract<ProbeOutcome, { ok: true }>): boolean {
    return (
      this.#state === 'STEADY' &&
      endpoint.isSteady &&
      (outcome.elsewhere === true || endpoint.everConnected) &&
      saysTheSame(outcome.result, endpoint.result, this.#context.history.order)
    )
  }

  #onState(endpoint: ManagedEndpoint<C>, from: EndpointState): void {
    const { lastError, pool, state } = endpoint
    forgetIfLost(endpoint)
    if (isInTrouble(state)) this.#context.onTrouble()
    this.#monitor?.hurry()
    if (stateIs(state, 'lost')) this.#context.onLost(endpoint)
    // Callers that still wait for an answer on one of its sockets would wait for ever.
    const dead = `the database cannot be reached: ${lastError?.message ?? ''}`
    pool.serverChanged({
      condition: conditionOf(state),
      ...(state === 'DOWN' ? { dead } : {}),
    })
    if (this.#endpoints.length > 1 && (from === 'UP' || state === 'UP'))
      this.#context.onRoutesChanged()
  }

  #settle(reason: string): void {
    const state = stateIs(this.writer.state, 'lost') ? 'ALL_DOWN' : 'STEADY'
    if (this.#stopped || state === this.#state) return
    const from = this.#state
    this.#state = state
    const { events, name } = this.#context
    events.emit({ type: 'clusterStateChanged', pool: name, from, to: state, reason })
  }
}
