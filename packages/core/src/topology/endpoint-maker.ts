import { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Origin } from '../cluster/reducer/view.js'
import { stateIs } from '../cluster/states.js'
import type { Driver, Endpoint } from '../driver/contract.js'
import type { PoolReactions } from '../health/pool-reactions.js'
import { PoolStandIn } from '../health/pool-stand-in.js'
import type { Probers } from '../health/probers.js'
import {
  type LeakDetectionOptions,
  LeakDetector,
  type LeakTracking,
  NoLeakDetection,
} from '../leaks/leak-detector.js'
import type { Budget } from '../pool/connection-budget.js'
import type { PoolOptions } from '../pool/options.js'
import { Pool } from '../pool/pool.js'
import type { Runtime } from '../runtime.js'
import type { EndpointSizes } from './endpoint-sizes.js'

export interface EndpointOptions<C extends object> {
  readonly pool: PoolOptions<C>
  /** Undefined if leak detection is off. */
  readonly leaks: LeakDetectionOptions | undefined
  readonly budget: Budget | undefined
  /** How long a probe over the pool may take. */
  readonly patienceMs: number
}

export interface EndpointMakerParts<C extends object> {
  readonly driver: Driver<C>
  /** No endpoint can take the place of another. */
  readonly fixed: boolean
  readonly probers: Probers<C>
  readonly reactions: PoolReactions<C>
  readonly sizes: EndpointSizes
}

/** Gives each endpoint what the engine needs of it: a pool, a prober, and a stand-in of the one for the other. */
export class EndpointMaker<C extends object> {
  readonly #runtime: Runtime
  readonly #options: EndpointOptions<C>
  /** The ids of the endpoints in the options. */
  readonly #configured: ReadonlySet<string>
  readonly #parts: EndpointMakerParts<C>

  constructor(
    runtime: Runtime,
    options: EndpointOptions<C>,
    configured: readonly Endpoint[],
    parts: EndpointMakerParts<C>,
  ) {
    this.#runtime = runtime
    this.#options = options
    this.#configured = new Set(configured.map((each) => each.id))
    this.#parts = parts
  }

  make(endpoint: Endpoint, order: number): ManagedEndpoint<C> {
    const { clock } = this.#runtime
    const pool = this.#makePool(endpoint)
    const standIn = this.#makeStandIn(pool, () => managed)
    const prober = this.#parts.probers.create(endpoint, pool.server.times, standIn, () => managed)
    const since = new Date(clock.wallTime())
    const origin = this.#originOf(endpoint)
    const managed: ManagedEndpoint<C> = new ManagedEndpoint(
      endpoint,
      order,
      pool,
      prober,
      standIn,
      since,
      origin,
    )
    // It has to be asked first whether it is one of ours.
    if (origin !== 'configured') pool.serverChanged({ serving: false })
    return managed
  }

  #makePool(endpoint: Endpoint): Pool<C> {
    const { budget, pool } = this.#options
    const { driver, reactions, sizes } = this.#parts
    const options = { ...pool, ...sizes.of(endpoint) }
    const config = { endpoint, driver, options, observer: reactions, budget }
    return new Pool<C>(this.#runtime, config, this.#trackLeaks())
  }

  #trackLeaks(): LeakTracking {
    const { clock, stall } = this.#runtime
    const { leaks } = this.#options
    return leaks === undefined ? new NoLeakDetection() : new LeakDetector(leaks, clock, stall)
  }

  #makeStandIn(pool: Pool<C>, managed: () => ManagedEndpoint<C>): PoolStandIn<C> {
    const { driver, fixed } = this.#parts
    return new PoolStandIn(this.#runtime, pool, {
      solo: fixed,
      capacity: pool.endpoint.capacity,
      patienceMs: this.#options.patienceMs,
      trusted: () => stateIs(managed().state, 'open'),
      known: () => managed().result,
      classify: (error) => driver.classify(error),
    })
  }

  #originOf({ id, resolvedFrom }: Endpoint): Origin {
    if (this.#configured.has(id)) return 'configured'
    const followed = resolvedFrom !== undefined && this.#configured.has(resolvedFrom)
    return followed ? 'resolved' : 'discovered'
  }
}
