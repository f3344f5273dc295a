import { AsyncLocalStorage } from 'node:async_hooks'
import type { Lease } from '../pool/lease.js'

/** One acquire of an asynchronous flow: what came of it, and what the flow held already. */
export interface Holding {
  readonly outer: Holding | undefined
  /** Set when the connection is lent. */
  lease: Lease<object> | undefined
}

/**
 * Follows which flow holds what, to find those that hold a connection and wait for another of the same pool: as many of
 * them at once as the pool has connections, and none will ever go on.
 */
export class Nesting {
  readonly #flows = new AsyncLocalStorage<Holding>()

  /** Notes an acquire of the running flow, for all that the flow does from now on. */
  enter(): Holding {
    let outer = this.#flows.getStore()
    // What has been given back is left out, so that a loop which acquires again and again makes no chain.
    while (outer !== undefined && outer.lease?.active !== true) outer = outer.outer
    const holding: Holding = { outer, lease: undefined }
    this.#flows.enterWith(holding)
    return holding
  }
}

/** The lease that a flow still holds around an acquire. */
export function leaseAround(holding: Holding | undefined): Lease<object> | undefined {
  const lease = holding?.outer?.lease
  return lease?.active ? lease : undefined
}
