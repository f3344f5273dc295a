import type { Clock } from '@connmgr/core/driver'
import type { BlockingEdge, BlockingParty } from '../snapshot.js'

/** Pairs of call sites that are kept. */
const MOST_EDGES = 100

/** One wait for a lock as the server told of it. */
export interface SeenWait {
  readonly waiter: BlockingParty
  readonly blocker: BlockingParty
  readonly relation: string | undefined
  readonly lockType: string | undefined
  readonly waitedMs: number
  /** The same for as long as the same wait lasts. */
  readonly wait: object
}

interface Open extends SeenWait {
  count: number
  active: boolean
  longestMs: number
  firstSeenAt: number
  lastSeenAt: number
  waits: WeakSet<object>
}

/** Who was seen blocking whom, by the lines of code of both. */
export class BlockingTable {
  readonly #clock: Clock
  readonly #edges = new Map<string, Open>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** All waits of this moment. */
  see(waits: readonly SeenWait[]): void {
    const at = this.#clock.wallTime()
    for (const edge of this.#edges.values()) edge.active = false
    for (const each of waits) this.#see(each, at)
  }

  /** The longest wait first. */
  list(): BlockingEdge[] {
    return [...this.#edges.values()]
      .map(({ active, blocker, count, firstSeenAt, lastSeenAt, lockType, longestMs, ...edge }) => ({
        waiter: edge.waiter,
        blocker,
        relation: edge.relation,
        lockType,
        waitedMs: longestMs,
        count,
        active,
        firstSeenAt,
        lastSeenAt,
      }))
      .sort((a, b) => b.waitedMs - a.waitedMs)
  }

  clear(): void {
    this.#edges.clear()
  }

  #see(seen: SeenWait, at: number): void {
    const key = `${nameOf(seen.waiter)}\n${nameOf(seen.blocker)}`
    let edge = this.#edges.get(key)
    if (edge === undefined) {
      if (this.#edges.size >= MOST_EDGES) return
      edge = {
        ...seen,
        count: 0,
        active: true,
        longestMs: 0,
        firstSeenAt: at,
        lastSeenAt: at,
        waits: new WeakSet(),
      }
      this.#edges.set(key, edge)
    }
    if (!edge.waits.has(seen.wait)) edge.count += 1
    edge.waits.add(seen.wait)
    Object.assign(edge, seen, {
      active: true,
      longestMs: Math.max(edge.longestMs, seen.waitedMs),
      lastSeenAt: at,
    })
  }
}

function nameOf({ application, own, processId, site, statement }: BlockingParty): string {
  const place = site === undefined ? '' : `${site.file}:${site.line}:${site.column}`
  if (place !== '') return place
  return own ? (statement?.fingerprint ?? `session ${processId}`) : `other ${application ?? ''}`
}
