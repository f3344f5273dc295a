import type { Runtime } from '../runtime.js'
import type { BudgetPlace } from './budget-place.js'
import type { CallerQueue } from './caller-queue.js'
import type { Connections } from './connections.js'
import type { Connector } from './connector.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { Lease } from './lease.js'
import type { Leases } from './leases.js'
import type { NextSteps } from './next-steps.js'
import type { Opening } from './opening.js'
import type { Pings } from './pings.js'
import type { Sizing } from './sizing.js'
import type { Testing } from './testing.js'
import type { LeaseOwner } from './waiter.js'

export interface LendingParts<C extends object> {
  readonly budget: BudgetPlace<C>
  readonly connections: Connections<C>
  readonly connector: Connector<C>
  readonly drain: Drain
  readonly fitness: Fitness<C>
  readonly leases: Leases<C>
  readonly opening: Opening<C>
  readonly pings: Pings<C>
  readonly queue: CallerQueue<C>
  readonly sizing: Sizing<C>
  readonly testing: Testing<C>
}

/** Brings connections and callers together: a free connection goes to the first waiter, or else onto the idle list. */
export class Lending<C extends object> {
  readonly #runtime: Runtime
  readonly #budget: BudgetPlace<C>
  readonly #connections: Connections<C>
  readonly #connector: Connector<C>
  readonly #drain: Drain
  readonly #fitness: Fitness<C>
  readonly #leases: Leases<C>
  readonly #opening: Opening<C>
  readonly #pings: Pings<C>
  readonly #queue: CallerQueue<C>
  readonly #sizing: Sizing<C>
  readonly #testing: Testing<C>
  readonly #next: Pick<NextSteps<C>, 'slotChanged'>

  constructor(
    { runtime }: PoolContext<C>,
    parts: LendingParts<C>,
    next: Pick<NextSteps<C>, 'slotChanged'>,
  ) {
    this.#runtime = runtime
    this.#budget = parts.budget
    this.#connections = parts.connections
    this.#connector = parts.connector
    this.#drain = parts.drain
    this.#fitness = parts.fitness
    this.#leases = parts.leases
    this.#opening = parts.opening
    this.#pings = parts.pings
    this.#queue = parts.queue
    this.#sizing = parts.sizing
    this.#testing = parts.testing
    this.#next = next
  }

  /** Starts as much as the waiters need: idle connections first, then new ones. */
  supply(): void {
    if (this.#queue.suspended || this.#drain.over) return
    const { clock, stall } = this.#runtime
    const now = clock.now()
    stall.look(now)
    while (this.#queue.size > this.#pings.size) {
      const entry = this.#connections.takeIdle(now)
      if (entry === undefined) break
      if (this.#fitness.needsTest(entry, now)) this.#testing.test(entry)
      else this.#serve(entry, now)
    }
    while (this.#wantsAnother(now) && this.#connector.admits() && this.#budget.mayOpen())
      this.#opening.open()
  }

  /**
   * Opens a connection for callers who wait elsewhere for the verdict on the server, or here for tests of connections that
   * may be dead, so that the first of them need not wait for a login after that.
   */
  openAhead(): void {
    const { opening, size } = this.#connections
    if (this.#drain.begun || opening > 0 || size >= this.#sizing.limit) return
    if (this.#connector.admits() && this.#budget.mayOpen()) this.#opening.open(true)
  }

  lend(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    this.#connections.lend(entry)
    return this.#leases.begin(entry, owner, requestedAt, now)
  }

  /** Gives a usable connection to the first waiter, or keeps it if it belongs to the base, or lets it go. */
  offer(entry: PoolEntry<C>, now: number): void {
    const waited = this.#queue.wantsConnection
    const closing = this.#drain.begun
    if ((closing && !waited) || this.#connections.size > this.#sizing.limit) {
      this.#connections.close(entry, closing ? 'closed' : 'overflow')
      this.#next.slotChanged()
    } else if (this.#budget.owes(this.#queue.first)) {
      this.#connections.close(entry, 'budget')
      this.#next.slotChanged()
    } else if (waited) this.#serve(entry, now)
    else if (this.#connections.size > this.#sizing.poolSize && !this.#succeeds(now)) {
      this.#connections.close(entry, 'overflow')
    } else this.#connections.keepIdle(entry)
  }

  /** Whether a connection that must be tested before it is lent would be lent at once. */
  isWanted(entry: PoolEntry<C>): boolean {
    return entry.suspect && this.#queue.wantsConnection && !this.#drain.over
  }

  #serve(entry: PoolEntry<C>, now: number): void {
    const waiter = this.#queue.shift(now)
    if (waiter === undefined) this.offer(entry, now)
    else waiter.serve(this.lend(entry, waiter.owner, waiter.enqueuedAt, now))
  }

  #wantsAnother(now: number): boolean {
    const { idle, opening, size } = this.#connections
    const { first, size: waiting } = this.#queue
    if (this.#drain.begun && waiting === 0) return false
    // Nothing but a connection that is of use shows that they are of use again.
    if (this.#opening.uselessError !== undefined && opening === 0) return true
    return this.#sizing.wantsAnother(
      {
        open: size + opening,
        opening,
        testing: this.#pings.size,
        idle,
        inUse: this.#leases.size,
        waiting,
        first,
        usualHeldMs: this.#leases.usualHeldMs,
        usualConnectMs: this.#connector.usualMs,
      },
      now,
    )
  }

  /** Makes room for a new connection by closing the idle one that it was opened to replace. */
  #succeeds(now: number): boolean {
    const { idle } = this.#connections
    if (this.#sizing.expiring(idle, now) === 0) return false
    let oldest: PoolEntry<C> | undefined
    for (const entry of idle) {
      if (oldest === undefined || entry.expiresAt < oldest.expiresAt) oldest = entry
    }
    if (oldest !== undefined) this.#connections.close(oldest, 'lifetime')
    return true
  }
}
