import type { FunctionReference } from '@connmgr/core'
import { Lane, type LaneSource } from './lane.js'
import type { Caller } from './shared-query.js'
import type { Sharing } from './sharing.js'
import { type Statement, Statements } from './statement.js'

/** The pool as its lanes see it. */
export interface LanesSource extends LaneSource {
  /** A connection is to be had without waiting. */
  readonly roomy: boolean
}

/** Queries under way on a lane from which on another is opened: a few go faster together than apart. */
const BUSY = 12
/** Pause between two looks for room for another lane. */
const GROW_EVERY_MS = 5

/**
 * The lanes of one pool. A query goes to the one with the least under way; to none that is held up by a slow query, and
 * to none at all if they have no room or if its like has been slow.
 */
export class Lanes {
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
  statementOf(query: unknown): Statement | undefined {
    const text = typeof query === 'string' ? query : plainTextOf(query)
    if (text === undefined) return undefined
    const statement = this.#statements.get(text)
    return statement.shareable ? statement : undefined
  }

  /**
   * Runs a query among others, which rejects with {@link RunAlone} if it turned out to have had no effect, through no
   * fault of its own. False if there is no room for it, or its like has been slow.
   *
   * @param below the function that the caller called
   */
  add(
    query: unknown,
    values: unknown,
    statement: Statement,
    caller: Caller,
    below: FunctionReference,
  ): boolean {
    if (statement.slow) return false
    const { clock, Query } = this.#sharing
    const now = clock.now()
    const lane = this.#choose(now, below)
    lane?.add(new Query(query, values, statement, caller, now))
    return lane !== undefined
  }

  /** Begins to measure a run that is not shared; to be called at its end. */
  stopwatch(statement: Statement): () => void {
    const { clock } = this.#sharing
    const begun = clock.now()
    return () => statement.ran(clock.now() - begun)
  }

  /** Gives all connections back as soon as what is under way on them has ended. */
  retire(): void {
    for (const lane of this.#lanes) lane.retire()
  }

  #choose(now: number, below: FunctionReference): Lane | undefined {
    const { depth, lanes: most } = this.#sharing.options
    let best: Lane | undefined
    let inService = 0
    for (const lane of this.#lanes) {
      if (!lane.isTaking(now) || lane.isStuck(now)) continue
      inService += 1
      if (lane.load < depth && (best === undefined || isBetter(lane, best))) best = lane
    }
    const wanted = best === undefined || best.load >= BUSY
    if (!wanted || inService >= most || this.#lanes.length >= 2 * most) return best
    if (inService > 0) {
      if (best !== undefined && now < this.#growAt) return best
      this.#growAt = now + GROW_EVERY_MS
      if (!this.#source.roomy) return best
    }
    const opened = new Lane(this.#source, this.#sharing.clock, (lane) => this.#remove(lane), below)
    this.#lanes.push(opened)
    return best ?? opened
  }

  #remove(lane: Lane): void {
    this.#lanes = this.#lanes.filter((each) => each !== lane)
  }
}

/** One that waits for its connection is the last choice. */
function isBetter(one: Lane, other: Lane): boolean {
  return one.opening === other.opening ? one.load < other.load : other.opening
}

/** The text of a query that is nothing but text, values and how to read the rows. */
function plainTextOf(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null) return undefined
  const { text, submit, rows, callback, portal } = query as Record<string, unknown>
  const plain = !submit && !rows && !callback && !portal
  return plain && typeof text === 'string' ? text : undefined
}
