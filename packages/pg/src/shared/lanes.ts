import type { Lease, ManagerAcquireOptions, PoolCounts } from '@connmgr/core'
import { type FunctionReference, outside } from '@connmgr/core/driver'
import type { Client } from 'pg'
import type { EndpointCatalog } from '../catalog/catalog.js'
import type { Lender } from '../pool-query.js'
import { Lane } from './lane.js'
import type { LaneHost, Loan } from './lane-host.js'
import type { Caller, SharedQuery } from './shared-query.js'
import type { Sharing } from './sharing.js'
import { type SharedStatement, type Statement, Statements } from './statement.js'

/** The pool whose connections the lanes share. */
export interface LanesSource {
  readonly lender: Lender
  /** What lanes ask for. */
  readonly wanted: ManagerAcquireOptions
  counts(): PoolCounts
  catalogOf(client: Client): EndpointCatalog | undefined
}

/** Work on a lane from which on another is opened: a few short queries go faster together than apart. */
const BUSY_MS = 0.6
/** What it is worth to go where nothing holds one up: more than any work. */
const OPENING_MS = 1_000_000
const STUCK_MS = 2_000_000
/** Pause between two looks for room for another lane. */
const GROW_EVERY_MS = 5

/**
 * The lanes of one pool. A query goes to the one with the least work, by what statements of the same text took; to none
 * that is held up by a slow query, and to none at all if they have no room or if its like has been slow.
 */
export class Lanes implements LaneHost {
  readonly #source: LanesSource
  readonly #sharing: Sharing
  readonly #statements = new Statements()
  #lanes: Lane[] = []
  #growAt = 0

  constructor(source: LanesSource, sharing: Sharing) {
    this.#source = source
    this.#sharing = sharing
  }

  /** What is known of a query's text; undefined if the query must not be shared. */
  statementOf(query: unknown): SharedStatement | undefined {
    return this.#shareable(this.#known(query))
  }

  /** The same for a query of a client that has no connection of its own yet. */
  statementOfClient(query: unknown): SharedStatement | undefined {
    return this.#shareable(this.#known(query)?.ofClient)
  }

  /**
   * Runs a query among others, which rejects with {@link RunAlone} if it turned out to have had no effect, through no
   * fault of its own. Undefined if there is no room for it, or its like has been slow.
   *
   * @param below the function that the caller called
   */
  add(
    query: unknown,
    values: unknown,
    statement: SharedStatement,
    caller: Caller,
    below: FunctionReference,
  ): SharedQuery | undefined {
    if (statement.slow) return undefined
    const { clock, Query } = this.#sharing
    const now = clock.now()
    const lane = this.#choose(now, below)
    if (lane === undefined) return undefined
    const shared = new Query(query, values, statement, caller, now)
    lane.add(shared)
    return shared
  }

  /** For a run that is not shared: to be called at its begin, and what it returns then, at its end. */
  stopwatchOf(statement: SharedStatement): () => () => void {
    const { clock } = this.#sharing
    return () => {
      const begun = clock.now()
      return () => statement.ran(clock.now() - begun)
    }
  }

  /** Gives all connections back as soon as what is under way on them has ended. */
  retire(): void {
    for (const lane of this.#lanes) lane.retire()
  }

  /** @param again for queries that were promised a connection before */
  async borrow(below: FunctionReference, again = false): Promise<Lease<Client>> {
    // For all callers, so in the flow of none of them.
    const lease = await outside(() =>
      this.#source.lender.acquire(this.#source.wanted, below, again),
    )
    // Until it is known nothing can be shared.
    await this.#source.catalogOf(lease.entry.connection)?.read()
    if (!lease.isSuspect(this.#sharing.clock.now())) return lease
    // The process has stood still over the reading: what is released now is tested before it is lent again.
    lease.release()
    return this.borrow(below, true)
  }

  catalogOf(client: Client): EndpointCatalog | undefined {
    return this.#source.catalogOf(client)
  }

  begin(lease: Lease<Client>): Client {
    return this.#source.lender.lend(lease)
  }

  end(lane: Lane, loan: Loan | undefined, destroy: boolean): void {
    this.#lanes = this.#lanes.filter((each) => each !== lane)
    if (loan !== undefined)
      this.#source.lender.takeBack(loan.lease, loan.client, destroy || undefined)
  }

  get crowding(): boolean {
    const counts = this.#source.counts()
    return slotsLeft(counts) < 0 && 2 * this.#lanes.length > counts.limit
  }

  get irreplaceable(): boolean {
    if (this.#lanes.length > 1) return false
    const counts = this.#source.counts()
    return slotsLeft(counts) < 0 && counts.limit > 1
  }

  #known(query: unknown): Statement | undefined {
    const text = typeof query === 'string' ? query : plainTextOf(query)
    return text === undefined ? undefined : this.#statements.get(text)
  }

  #shareable(statement: SharedStatement | undefined): SharedStatement | undefined {
    return statement?.mayBeShareable(this.#source.lender.catalogs) ? statement : undefined
  }

  #choose(now: number, below: FunctionReference): Lane | undefined {
    const { depth, lanes: most } = this.#sharing.options
    let best: Lane | undefined
    let price = Number.POSITIVE_INFINITY
    let inService = 0
    for (const lane of this.#lanes) {
      if (!lane.isTaking(now)) continue
      const stuck = lane.isStuck(now)
      if (!stuck) inService += 1
      if (lane.load >= depth) continue
      // One that waits for its connection is a bad choice, and one that is held up is the worst.
      const itsPrice = lane.expectedMs + (stuck ? STUCK_MS : lane.opening ? OPENING_MS : 0)
      if (itsPrice >= price) continue
      best = lane
      price = itsPrice
    }
    const wanted = best === undefined || price >= STUCK_MS || best.expectedMs >= BUSY_MS
    if (!wanted || inService >= most || this.#lanes.length >= 2 * most) return best
    if (!this.#mayGrow(now, best !== undefined)) return best
    const opened = new Lane(this, this.#sharing.clock, below)
    this.#lanes.push(opened)
    // Until it has its connection, one that moves on is the better choice.
    return price < OPENING_MS ? best : opened
  }

  /**
   * Where there is a choice, another lane is opened only if that takes a connection from no caller. That is looked for now
   * and then alone, as there is one look for each query.
   */
  #mayGrow(now: number, choice: boolean): boolean {
    if (this.#lanes.length === 0) return true
    if (choice && now < this.#growAt) return false
    this.#growAt = now + GROW_EVERY_MS
    const counts = this.#source.counts()
    return slotsLeft(counts) > 0 || (!choice && 2 * this.#lanes.length < counts.limit)
  }
}

/** Connections that could be had at once, less those who wait for one; below 0 a caller waits for another to end. */
function slotsLeft({ idle, limit, total, waiting }: PoolCounts): number {
  return idle + limit - total - waiting
}

/** The text of a query that is nothing but text, values and how to read the rows. */
function plainTextOf(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null) return undefined
  const { text, submit, rows, callback, portal } = query as Record<string, unknown>
  const plain = !submit && !rows && !callback && !portal
  return plain && typeof text === 'string' ? text : undefined
}
