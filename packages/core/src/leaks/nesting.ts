import { AsyncLocalStorage } from 'node:async_hooks'
import type { WatchedLease } from './watched-lease.js'

/** One acquire of an asynchronous flow: what came of it, and what the flow held already. */
export interface Holding {
  /** Of the same pool. */
  readonly around: Holding | undefined
  /** Set when the connection is lent. */
  lease: WatchedLease | undefined
}

/** A holding among those of all pools that a flow has acquired from. */
interface Link extends Holding {
  readonly of: Nesting
  readonly outer: Link | undefined
}

/** One for all pools, as each that there is makes every promise of the process dearer. Made on first use. */
let flows: AsyncLocalStorage<Link> | undefined

/**
 * Follows which flow holds what, to find those that hold a connection and wait for another of the same pool: as many of
 * them at once as the pool has connections, and none will ever go on.
 */
export class Nesting {
  /** Notes an acquire of the running flow, for all that the flow does from now on. */
  enter(): Holding {
    flows ??= new AsyncLocalStorage()
    // What has been given back is left out, so that a loop which acquires again and again makes no chain.
    const outer = held(flows.getStore())
    let around = outer
    while (around !== undefined && around.of !== this) around = held(around.outer)
    const link: Link = { of: this, outer, around, lease: undefined }
    flows.enterWith(link)
    return link
  }
}

/** The first of a chain that is still held. */
function held(from: Link | undefined): Link | undefined {
  let link = from
  while (link !== undefined && link.lease?.active !== true) link = link.outer
  return link
}

/** The lease that a flow still holds around an acquire. */
export function leaseAround(holding: Holding | undefined): WatchedLease | undefined {
  const lease = holding?.around?.lease
  return lease?.active ? lease : undefined
}
