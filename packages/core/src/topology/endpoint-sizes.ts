import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Endpoint } from '../driver/contract.js'

export type PoolSize = Required<NonNullable<Endpoint['size']>>

/** How many connections each endpoint may have: as many as it says itself, or else the manager, and no more than it bears. */
export class EndpointSizes {
  #usual: PoolSize

  constructor({ maxOverflow, poolSize }: PoolSize) {
    this.#usual = { poolSize, maxOverflow }
  }

  /** Of endpoints that name none. */
  get usual(): PoolSize {
    return this.#usual
  }

  of({ capacity = Number.POSITIVE_INFINITY, size }: Endpoint): PoolSize {
    const wanted = size ?? this.#usual
    const poolSize = Math.min(wanted.poolSize, capacity)
    return { poolSize, maxOverflow: Math.min(wanted.maxOverflow, capacity - poolSize) }
  }

  /** Changes the usual size, and with it the pools of `endpoints` that name none. */
  resize<C extends object>(usual: PoolSize, endpoints: readonly ManagedEndpoint<C>[]): void {
    this.#usual = usual
    for (const { endpoint, pool } of endpoints)
      if (endpoint.size === undefined) pool.resize(this.of(endpoint))
  }
}
