import type { FailureKind } from '../driver/failure-kind.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { ProbeOutcome } from '../health/probe-outcome.js'
import type { ClusterState } from '../vocabulary/states.js'
import { type ClusterContext, EffectRunner } from './carry-out.js'
import type { Cluster } from './cluster.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { Moment, Observation } from './reducer/observations.js'
import type { Reducer } from './reducer/reducer.js'
import { searchingMs } from './reducer/search.js'
import { type ClusterView, initialView, isRefusedForGood, type Rules } from './reducer/view.js'

/**
 * Feeds observations to a reducer, one at a time: it stores the view that follows, and only then carries the effects out.
 * What is observed meanwhile waits for its turn, so that nothing runs while something is being decided.
 */
export class ClusterController<C extends object> {
  readonly mode: Cluster<C>['mode']
  protected readonly endpoints: readonly ManagedEndpoint<C>[]
  protected readonly rules: Rules
  readonly #reduce: Reducer
  readonly #context: ClusterContext<C>
  readonly #effects: EffectRunner<C>
  readonly #byId = new Map<string, ManagedEndpoint<C>>()
  readonly #waiting: { readonly observation: Observation; readonly at: Moment }[] = []
  #view: ClusterView
  #writer: ManagedEndpoint<C> | undefined
  #busy = false

  constructor(
    endpoints: readonly ManagedEndpoint<C>[],
    mode: Cluster<C>['mode'],
    rules: Rules,
    reduce: Reducer,
    context: ClusterContext<C>,
  ) {
    this.endpoints = endpoints
    this.mode = mode
    this.rules = rules
    this.#reduce = reduce
    this.#context = context
    for (const each of endpoints) this.#byId.set(each.id, each)
    this.#effects = new EffectRunner(context, this.#byId, (timer) =>
      this.feed({ type: 'elapsed', timer }),
    )
    this.#view = initialView(
      endpoints.map((each) => each.known),
      rules,
    )
    this.#store(this.#view)
  }

  protected get view(): ClusterView {
    return this.#view
  }

  protected get monitor(): HealthMonitor<C> | undefined {
    return this.#effects.monitor
  }

  get writer(): ManagedEndpoint<C> | undefined {
    return this.#writer
  }

  get epoch(): number {
    return this.#view.epoch
  }

  get state(): ClusterState {
    return this.#view.state
  }

  get lineage(): Cluster<C>['lineage'] {
    const { identity, latest } = this.#view
    return this.#writer?.result ?? { cluster: identity.cluster, history: latest?.history }
  }

  get urgent(): boolean {
    const { endpoints, search } = this.#view
    return search !== undefined || endpoints.some(({ standing }) => standing.state === 'SUSPECT')
  }

  get searchingMs(): number {
    return searchingMs(this.#view.search, this.#context.runtime.clock.now())
  }

  get refusedForGood(): boolean {
    return isRefusedForGood(this.#view)
  }

  async start(monitor: HealthMonitor<C>): Promise<void> {
    this.#effects.monitor = monitor
    this.feed({ type: 'started' })
    await monitor.start()
    this.feed({ type: 'roundOver' })
  }

  stop(): void {
    this.feed({ type: 'stopped' })
  }

  observe(endpoint: ManagedEndpoint<C>, outcome: ProbeOutcome): void {
    if (this.#has(endpoint)) this.feed({ type: 'probed', id: endpoint.id, outcome })
  }

  trouble(endpoint: ManagedEndpoint<C>, kind: FailureKind, reason: string): void {
    if (this.#has(endpoint)) this.feed({ type: 'troubled', id: endpoint.id, kind, reason })
  }

  drain(endpoint: ManagedEndpoint<C>, reason: string): void {
    if (this.#has(endpoint)) this.feed({ type: 'ending', id: endpoint.id, reason })
  }

  connected(endpoint: ManagedEndpoint<C>): void {
    if (!endpoint.everConnected && this.#has(endpoint))
      this.feed({ type: 'connected', id: endpoint.id })
  }

  endpointsChanged(): void {
    for (const each of this.endpoints) this.#byId.set(each.id, each)
    this.feed({ type: 'listed', endpoints: this.endpoints.map((each) => each.listed) })
    // What follows for those that have left has been done.
    for (const [id, each] of this.#byId) if (!this.endpoints.includes(each)) this.#byId.delete(id)
  }

  protected feed(observation: Observation): void {
    const { clock, events } = this.#context.runtime
    const at = { now: clock.now(), wallTime: clock.wallTime() }
    this.#waiting.push({ observation, at })
    if (this.#busy) return
    // Listeners hear of it once all of it has been done.
    events.enter()
    try {
      this.#feedAll()
    } finally {
      events.leave()
    }
  }

  #feedAll(): void {
    this.#busy = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const { effects, view } = this.#reduce(this.#view, next.observation, next.at, this.rules)
        this.#store(view)
        for (const each of effects) this.#effects.carryOut(each)
      }
    } finally {
      this.#busy = false
    }
  }

  #store(view: ClusterView): void {
    this.#view = view
    for (const known of view.endpoints) {
      const endpoint = this.#byId.get(known.id)
      if (endpoint !== undefined) endpoint.known = known
    }
    this.#writer = view.writer === undefined ? undefined : this.#byId.get(view.writer)
  }

  /** A report about an endpoint that has left may still come, and another of its id may have come. */
  #has(endpoint: ManagedEndpoint<C>): boolean {
    return this.#byId.get(endpoint.id) === endpoint
  }
}
