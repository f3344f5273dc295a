import { contextOf, failoverChannel } from '../events/channels.js'
import type { HealthMonitor } from '../health/health-monitor.js'
import type { Runtime } from '../runtime.js'
import type { TimerHandle } from '../time/clock.js'
import type { History } from './history.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import type { EffectOf, EffectType } from './reducer/effects.js'
import type { TimerName } from './reducer/observations.js'

/** What a cluster acts on besides its endpoints. */
export interface ClusterContext<C extends object> {
  readonly runtime: Runtime
  readonly history: History
  /** Who serves whom has changed: waiters that stand in the wrong queue must move. */
  readonly onRoutesChanged: () => void
  /** Something is wrong with an endpoint. */
  readonly onTrouble: () => void
  /** An endpoint is out of service. */
  readonly onLost: (endpoint: ManagedEndpoint<C>) => void
}

/** A refusal may be the moment of a restart; asked again this soon, it is known for sure. */
const SOON_MS = 10

/** Does what a reducer has decided. */
export class EffectRunner<C extends object> {
  /** Asks the endpoints; undefined until the cluster has been started. */
  monitor: HealthMonitor<C> | undefined
  readonly #context: ClusterContext<C>
  readonly #endpoints: ReadonlyMap<string, ManagedEndpoint<C>>
  readonly #onElapsed: (timer: TimerName) => void
  readonly #timers = new Map<TimerName, TimerHandle>()
  /** How each kind of effect is carried out. */
  readonly #handlers: { readonly [T in EffectType]: (effect: EffectOf<T>) => void } = {
    emit: ({ event }) => this.#context.runtime.events.emit(event),
    trace: ({ id, moment }) => this.#trace(moment, id),
    tell: ({ change, id }) => this.#of(id).pool.serverChanged(change),
    answered: ({ id, patienceMs, question }) =>
      this.#of(id).pool.server.answered(question, patienceMs),
    forgetSession: ({ id, logins }) =>
      logins ? this.#of(id).prober.forget() : this.#of(id).prober.forgetSession(),
    forgetLogins: ({ id }) => this.#context.onLost(this.#of(id)),
    probe: ({ id, when }) => this.#probe(this.#of(id), when),
    probeAll: () => this.#probing()?.roundAfterTrouble(),
    hurry: () => this.monitor?.hurry(),
    refreshTopology: () => this.#context.onTrouble(),
    arm: (effect) => this.#arm(effect),
    disarm: ({ timer }) => this.#disarm(timer),
    reroute: () => this.#context.onRoutesChanged(),
  }

  constructor(
    context: ClusterContext<C>,
    endpoints: ReadonlyMap<string, ManagedEndpoint<C>>,
    onElapsed: (timer: TimerName) => void,
  ) {
    this.#context = context
    this.#endpoints = endpoints
    this.#onElapsed = onElapsed
  }

  carryOut<T extends EffectType>(effect: EffectOf<T>): void {
    this.#handlers[effect.type as T](effect)
  }

  /** The monitor while it runs. */
  #probing(): HealthMonitor<C> | undefined {
    return this.monitor?.started === true ? this.monitor : undefined
  }

  #of(id: string): ManagedEndpoint<C> {
    return this.#endpoints.get(id) as ManagedEndpoint<C>
  }

  #trace(moment: 'start' | 'end', id: string): void {
    const { events, id: manager, name } = this.#context.runtime
    const { endpoint } = this.#of(id)
    const channel = moment === 'start' ? failoverChannel.start : failoverChannel.asyncEnd
    events.publish(channel, contextOf({ endpoint, poolName: name, manager }))
  }

  #probe(endpoint: ManagedEndpoint<C>, when: 'now' | 'soon'): void {
    if (when === 'now') {
      this.#probing()?.checkAfterTrouble(endpoint)
      return
    }
    this.#context.runtime.clock.setTimeout(() => void this.#probing()?.check(endpoint), SOON_MS)
  }

  #arm({ delayMs, jitter, timer }: EffectOf<'arm'>): void {
    const { clock } = this.#context.runtime
    this.#disarm(timer)
    const dueMs = jitter === true ? clock.random() * delayMs : delayMs
    this.#timers.set(
      timer,
      clock.setTimeout(() => this.#onElapsed(timer), dueMs),
    )
  }

  #disarm(timer: TimerName): void {
    this.#context.runtime.clock.clearTimeout(this.#timers.get(timer))
    this.#timers.delete(timer)
  }
}
