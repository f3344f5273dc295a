import type { Clock } from '../time/clock.js'
import { type CapturedStack, captureStack, type FunctionReference } from './stack.js'

/** Captures a second that one process spends at most without any suspicion. */
const SAMPLES_PER_SECOND = 500
const SECOND_MS = 1000
/**
 * What the samples of a second may take once there are more acquires than that: a capture takes 5 µs at best and 15 to 60
 * in a busy process. As much again goes to the extra ones, so that all are below a hundredth of a core.
 */
const SAMPLES_MS = 2
/** Of the captures of a cheap stack, so many are taken also where they are dear. */
const LEAST_SHARE = 0.05
/** What one measurement may say: a process that was kept from its processor meanwhile says more. */
const MOST_COST_MS = 0.1
/** How many captures the mean of their cost looks back. */
const COSTS_SEEN = 16
/** How often a way into the engine that is used rarely is captured beside those, so that a busy one does not hide it. */
const RARE_EVERY_MS = 20
/** Of those, and of the statements of leases whose acquire was captured: so many at once, and so many more in a millisecond. */
const EXTRA_AT_ONCE = 500
const EXTRA_PER_MS = 0.5
/** Adapters have a few functions to acquire by. A caller that makes new ones has them share. */
const MOST_WAYS = 64

/**
 * Decides which acquires of a process are worth a stack, and captures it. While there are no more than the budget of a
 * second, all are. Above that each is with the same probability, budget / rate: the distance to the next is drawn at
 * random, as a rhythm could miss a place that always acquires behind another. The budget is as many as have the time that
 * all may take, by what the latest of them took.
 */
export class CaptureBudget {
  readonly #clock: Pick<Clock, 'now' | 'random'>
  #secondEndsAt = Number.NEGATIVE_INFINITY
  #seen = 0
  #captured = 0
  /** One acquire in so many is captured, on average. */
  #every = 1
  #skip = 0
  /** What share of its captures this process can afford. */
  #share = 1
  #costMs = 0
  #extraTokens = EXTRA_AT_ONCE
  #extraAt = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'now' | 'random'>) {
    this.#clock = clock
  }

  /** Of what was to be captured beside the samples, this share is: 1 while all acquires are captured, or captures are cheap. */
  get share(): number {
    return this.#share
  }

  /** Captures the stack above the call of `below`, which must be a function now on the stack, and notes what that took. */
  capture(below: FunctionReference): CapturedStack {
    return this.timed(() => captureStack(below))
  }

  /** Runs what captures a stack, and all that is done with it at once, and notes what that took. */
  timed<T>(work: () => T): T {
    const before = this.#clock.now()
    const result = work()
    const tookMs = Math.min(this.#clock.now() - before, MOST_COST_MS)
    this.#costMs += (tookMs - this.#costMs) / COSTS_SEEN
    return result
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
    if (this.#captured >= SAMPLES_PER_SECOND * this.#share * 1.5) return false
    this.#captured += 1
    if (this.#every > 1) this.#skip = Math.floor(this.#clock.random() * (2 * this.#every - 1))
    return true
  }

  /** Takes one of the captures that are kept beside the samples. */
  takeExtra(now: number): boolean {
    const refill = Math.max(0, now - this.#extraAt) * EXTRA_PER_MS * this.#share
    this.#extraTokens = Math.min(EXTRA_AT_ONCE, this.#extraTokens + refill)
    this.#extraAt = now
    if (this.#extraTokens < 1) return false
    this.#extraTokens -= 1
    return true
  }

  #beginSecond(now: number): void {
    const sinceMs = now - this.#secondEndsAt + SECOND_MS
    const rate = (this.#seen * SECOND_MS) / Math.max(sinceMs, SECOND_MS)
    const affordable = SAMPLES_MS / (this.#costMs * SAMPLES_PER_SECOND)
    this.#share = rate <= SAMPLES_PER_SECOND ? 1 : Math.min(1, Math.max(LEAST_SHARE, affordable))
    this.#every = Math.max(1, rate / (SAMPLES_PER_SECOND * this.#share))
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
    budget = new CaptureBudget(clock)
    budgets.set(clock, budget)
  }
  return budget
}
