import type { Clock } from '../time/clock.js'
import type { FunctionReference } from './stack.js'

/** Captures a second that one process spends without any suspicion: at 5 to 10 µs each at best, and 20 to 60 in a busy process. */
const SAMPLES_PER_SECOND = 500
const SECOND_MS = 1000
/** How often a way into the engine that is used rarely is captured beside those, so that a busy one does not hide it. */
const RARE_EVERY_MS = 20
/** Of those, and of the statements of leases whose acquire was captured: so many at once, and so many more in a millisecond. */
const EXTRA_AT_ONCE = 500
const EXTRA_PER_MS = 0.5
/** Adapters have a few functions to acquire by. A caller that makes new ones has them share. */
const MOST_WAYS = 64

/**
 * Decides which acquires of a process are worth a stack. While there are no more than the budget of a second, all are.
 * Above that each is with the same probability, budget / rate: the distance to the next is drawn at random, as a rhythm
 * could miss a place that always acquires behind another.
 */
export class CaptureBudget {
  readonly #random: () => number
  #secondEndsAt = Number.NEGATIVE_INFINITY
  #seen = 0
  #captured = 0
  /** One acquire in so many is captured, on average. */
  #every = 1
  #skip = 0
  #extraTokens = EXTRA_AT_ONCE
  #extraAt = Number.NEGATIVE_INFINITY

  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether this acquire is among those that are captured. Called for each. */
  sample(now: number): boolean {
    if (now >= this.#secondEndsAt) this.#beginSecond(now)
    this.#seen += 1
    if (this.#skip > 0) {
      this.#skip -= 1
      return false
    }
    // Half as many again, for a rate that has just risen.
    if (this.#captured >= SAMPLES_PER_SECOND * 1.5) return false
    this.#captured += 1
    if (this.#every > 1) this.#skip = Math.floor(this.#random() * (2 * this.#every - 1))
    return true
  }

  /** Takes one of the captures that are kept beside the samples. */
  takeExtra(now: number): boolean {
    const refill = Math.max(0, now - this.#extraAt) * EXTRA_PER_MS
    this.#extraTokens = Math.min(EXTRA_AT_ONCE, this.#extraTokens + refill)
    this.#extraAt = now
    if (this.#extraTokens < 1) return false
    this.#extraTokens -= 1
    return true
  }

  #beginSecond(now: number): void {
    const sinceMs = now - this.#secondEndsAt + SECOND_MS
    const rate = (this.#seen * SECOND_MS) / Math.max(sinceMs, SECOND_MS)
    this.#every = Math.max(1, rate / SAMPLES_PER_SECOND)
    this.#secondEndsAt = now + SECOND_MS
    this.#seen = 0
    this.#captured = 0
    if (this.#every === 1) this.#skip = 0
  }
}

/** When each of a pool's ways in (`connect`, `use`, `acquire`, an adapter's own) was last captured. */
export class RareEntryPoints {
  readonly #budget: CaptureBudget
  readonly #dueAt = new Map<FunctionReference | undefined, number>()

  constructor(budget: CaptureBudget) {
    this.#budget = budget
  }

  /** @param below the function that the caller called */
  wants(below: FunctionReference, now: number): boolean {
    const way = this.#dueAt.size < MOST_WAYS || this.#dueAt.has(below) ? below : undefined
    if (now < (this.#dueAt.get(way) ?? now) || !this.#budget.takeExtra(now)) return false
    this.#dueAt.set(way, now + RARE_EVERY_MS)
    return true
  }
}

const budgets = new WeakMap<Clock, CaptureBudget>()

/** The budget that all managers on a clock share: that of the process has one. */
export function captureBudgetOf(clock: Clock): CaptureBudget {
  let budget = budgets.get(clock)
  if (budget === undefined) {
    budget = new CaptureBudget(() => clock.random())
    budgets.set(clock, budget)
  }
  return budget
}
