import type { CloseReason } from '../vocabulary/close-reason.js'
import type { PoolContext } from './context.js'
import { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { Leases } from './leases.js'
import { LinkedList } from './linked-list.js'
import type { Pings } from './pings.js'

export interface ConnectionsParts<C extends object> {
  readonly fitness: Fitness<C>
  readonly leases: Leases<C>
  readonly pings: Pings<C>
}

export interface ConnectionsHost<C extends object> {
  /** Closes the physical connection of an entry that has been closed. */
  retire(entry: PoolEntry<C>, reason: CloseReason, error: Error | undefined): void
}

/**
 * The connections of one pool. Only this class moves an entry between states:
 *
 *     opening → testing → idle ⇄ inUse → cleaning → idle
 *                         idle ⇄ testing
 *     any → closed, inUse → detached
 *
 * An entry takes up a slot until it is closed or detached, and stands on the idle list only while it is idle. Closing an
 * entry ends its lease.
 */
export class Connections<C extends object> {
  /** Least lately used first. A field, as each acquire and release reads it. */
  readonly idle = new LinkedList<PoolEntry<C>>()
  /** Connections that are being opened, and have no entry yet. */
  opening = 0
  readonly #open = new Set<PoolEntry<C>>()
  readonly #context: PoolContext<C>
  readonly #fitness: Fitness<C>
  readonly #leases: Leases<C>
  readonly #pings: Pings<C>
  readonly #host: ConnectionsHost<C>

  constructor(
    context: PoolContext<C>,
    { fitness, leases, pings }: ConnectionsParts<C>,
    host: ConnectionsHost<C>,
  ) {
    this.#context = context
    this.#fitness = fitness
    this.#leases = leases
    this.#pings = pings
    this.#host = host
  }

  /** Open connections, lent or not. */
  get size(): number {
    return this.#open.size
  }

  startOpening(): void {
    this.opening += 1
  }

  openingFailed(): void {
    this.opening -= 1
  }

  /** All that are open, in the order of their opening; an entry may be closed while it is visited. */
  [Symbol.iterator](): Iterator<PoolEntry<C>> {
    return this.#open.values()
  }

  /**
   * Takes over a connection that has been opened.
   *
   * @param generation the one in which the connect began
   */
  adopt(connection: C, generation: number): PoolEntry<C> {
    const { driver, endpoint } = this.#context
    const { clock } = this.#context.runtime
    const now = clock.now()
    const activity = driver.activity?.of(connection)
    const expiresAt = now + this.#fitness.lifetimeMs(clock.random())
    const entry = new PoolEntry(connection, endpoint, generation, now, expiresAt, activity)
    this.opening -= 1
    this.#open.add(entry)
    this.#leases.totals.created += 1
    return entry
  }

  /** Takes an idle connection that may be lent off the idle list, for the caller to lend or to test at once. */
  takeIdle(now: number): PoolEntry<C> | undefined {
    for (;;) {
      const entry = this.#context.options.idleOrder === 'lifo' ? this.idle.last : this.idle.first
      if (entry === undefined) return undefined
      this.idle.remove(entry)
      const unfit = this.#fitness.unfit(entry, now)
      if (unfit === undefined) return entry
      this.close(entry, unfit)
    }
  }

  lend(entry: PoolEntry<C>): void {
    entry.state = 'inUse'
    entry.ahead = false
    if (!entry.holdsProcess) this.holdProcess(entry, true)
  }

  test(entry: PoolEntry<C>): void {
    entry.state = 'testing'
  }

  clean(entry: PoolEntry<C>): void {
    entry.state = 'cleaning'
  }

  keepIdle(entry: PoolEntry<C>): void {
    entry.state = 'idle'
    this.idle.push(entry)
    if (this.#context.options.allowExitOnIdle) this.holdProcess(entry, false)
  }

  /** Gives up the slot of a connection that its caller keeps. */
  detach(entry: PoolEntry<C>): void {
    entry.state = 'detached'
    this.#open.delete(entry)
  }

  /** Closes a connection, also one that is lent. */
  close(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'closed') return
    if (entry.lease !== undefined) this.#leases.strikeOff(entry.lease)
    entry.state = 'closed'
    this.idle.remove(entry)
    this.#pings.forget(entry)
    this.#open.delete(entry)
    this.#leases.totals.closed += 1
    this.#host.retire(entry, reason, error)
  }

  /** Closes a connection now if it is idle, or else when it comes back. */
  invalidate(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'idle') this.close(entry, reason, error)
    else entry.doomed ??= reason
  }

  /** Invalidates the connection with this id; false if there is none. */
  evict(connectionId: number): boolean {
    for (const entry of this.#open) {
      if (entry.id !== connectionId) continue
      this.invalidate(entry, 'evicted')
      return true
    }
    return false
  }

  /** Invalidates every connection, those included that are being opened. */
  clear(reason: string): void {
    this.#fitness.generation += 1
    this.closeIdle('cleared')
    this.#cleared(reason)
  }

  /** Closes every connection, lent or not, and invalidates those that are being opened. */
  destroyAll(reason: string): void {
    this.#fitness.generation += 1
    this.closeAll('lost', new Error(reason))
    this.#cleared(reason)
  }

  closeIdle(reason: CloseReason): void {
    for (const entry of this.idle) this.close(entry, reason)
  }

  closeAll(reason: CloseReason, error?: Error): void {
    for (const entry of this.#open) this.close(entry, reason, error)
  }

  /** Has every connection validated before it is lent again. */
  suspectAll(): void {
    for (const entry of this.#open) entry.suspect = true
  }

  holdProcess(entry: PoolEntry<C>, hold: boolean): void {
    entry.holdsProcess = hold
    this.#context.driver.activity?.holdProcess(entry.connection, hold)
  }

  #cleared(reason: string): void {
    const { endpoint } = this.#context
    const { events, name } = this.#context.runtime
    events.emit({ type: 'poolCleared', pool: name, endpoint: endpoint.id, reason })
  }
}
