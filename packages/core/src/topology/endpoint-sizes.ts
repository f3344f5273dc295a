import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Endpoint } from '../driver/contract.js'
import type { PoolSize } from '../pool/connection-pool.js'

type Size = Required<PoolSize>

/** How many connections each endpoint may have: as many as it says itself, or else the manager, and no more than it bears. */
export class EndpointSizes {
  #usual: Size

  constructor({ maxOverflow, poolSize }: Size) {
    this.#usual = { poolSize, maxOverflow }
  }

  /** Of endpoints that name none. */
  get usual(): Size {
    return this.#usual
  }

  of({ capacity = Number.POSITIVE_INFINITY, size }: Endpoint): Size {
    const wanted = size ?? this.#usual
    const poolSize = Math.min(wanted.poolSize, capacity)
    return { poolSize, maxOverflow: Math.min(wanted.maxOverflow, capacity - poolSize) }
  }

  /** Changes the usual size, and with it the pools of `endpoints` that name none. */
  resize<C extends object>(usual: Size, endpoints: readonly ManagedEndpoint<C>[]): void {
    this.#usual = usual
    for (const { endpoint, pool } of endpoints)
      if (endpoint.size === undefined) pool.resize(this.of(endpoint))
  }
}
