import type { TimerHandle } from '../time/clock.js'
import type { PoolContext } from './context.js'
import type { NextSteps } from './next-steps.js'

const FIRST_RETRY_MS = 25
const LAST_RETRY_MS = 1000
/** Failures in a row after which it takes more than a guess to try again ahead of time. */
const FEW_FAILURES = 4
/** So many connections in a row that came about and were of no use are no accident. */
const NO_ACCIDENT = 2
/** A server that ends one connection may just be ending all of them, for so long. */
const ENDING_MS = 1000
/** The first connect after that goes alone for so long: more than a login takes on a server that is ending sessions. */
const ALONE_MS = 150

/** What a connection has shown: to be `new` and of use, to be so after a `reset`, or to be alive when it was `tested`. */
export type Proof = 'new' | 'reset' | 'tested'

/**
 * Decides when a pool may attempt to connect: after failures no faster than the back-off allows, one attempt after the
 * other while many processes connect to the same server, and one ahead of the others after connections were lost, as callers
 * get a first connection sooner if the server is not at work on several.
 */
export class ConnectPace<C extends object> {
  /** True while one attempt at a time is enough, as they come to nothing. */
  throttled = false
  readonly #context: PoolContext<C>
  readonly #next: Pick<NextSteps<C>, 'supply'>
  #failures = 0
  /** Connections in a row that came about and were of no use. */
  #useless = 0
  /** The latest of them had been of use before, and was not after its reset. */
  #uselessAfterReset = false
  #retryTimer: TimerHandle | undefined
  #lastError: Error | undefined
  #rampEndsAt = 0
  #rampsNextAt = 0
  /** When a connection was lost; none has been of use since. */
  #lostAt = Number.NEGATIVE_INFINITY
  /** Until when the first connect after that is alone. */
  #aloneUntil = 0
  #aloneTimer: TimerHandle | undefined

  /** @param next `supply` is called when a pause before the next attempt is over */
  constructor(context: PoolContext<C>, next: Pick<NextSteps<C>, 'supply'>) {
    this.#context = context
    this.#next = next
  }

  /** The latest failure, until a connection is of use. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  /** Why connections come about and are of no use, one after the other; undefined if they are of use. */
  get uselessError(): Error | undefined {
    return this.#useless >= NO_ACCIDENT ? this.#lastError : undefined
  }

  /**
   * Whether to make another attempt beside the running ones. If not, ask again after the pause or when a running one ends.
   */
  admits(running: number): boolean {
    const most = this.throttled || this.#useless > 0 ? 1 : this.#context.options.connectConcurrency
    if (this.#retryTimer !== undefined || running >= most || this.#isAhead(running)) return false
    return this.#rampEndsAt === 0 || this.#rampAdmits()
  }

  /** The server has ended a connection. */
  lost(): void {
    this.#lostAt = this.#context.runtime.clock.now()
  }

  /** Waits before the next attempt, longer each time. */
  backOff(error: Error): void {
    this.#pause(error, this.#failures)
    this.#failures += 1
  }

  /**
   * A connection came about and was of no use: the user's hook failed on it, or it ended meanwhile. One may be an
   * accident; from the second in a row on waits before the next attempt, longer each time.
   *
   * @param afterReset whether it had been of use, until its reset
   */
  useless(error: Error, afterReset = false): void {
    this.#useless += 1
    this.#uselessAfterReset ||= afterReset
    if (this.#useless >= NO_ACCIDENT) this.#pause(error, this.#useless - NO_ACCIDENT)
    else this.#lastError = error
  }

  /** A connection has proved to be of use: from now on failures count from the first again. */
  succeeded(proof: Proof): void {
    this.#failures = 0
    this.#lostAt = Number.NEGATIVE_INFINITY
    // Others begin once this one is lent.
    if (this.#aloneTimer !== undefined) this.#endAloneIn(0)
    // One that was prepared long ago shows nothing of the next, nor a new one of what comes after a reset.
    if (this.#useless > 0 && (proof === 'tested' || (this.#uselessAfterReset && proof === 'new')))
      return
    this.#useless = 0
    this.#uselessAfterReset = false
    this.#lastError = undefined
  }

  /** Ends the back-off: there is reason to believe that the server is back. */
  retryNow(): void {
    this.#failures = 0
    this.retrySoon()
  }

  /**
   * Ends the back-off unless many attempts in a row have failed: the server answers over connections that are open,
   * which says little about new ones.
   */
  retrySoon(): void {
    if (this.#failures < FEW_FAILURES) this.hasten()
  }

  /** Ends the pause before the next attempt, which counts on. */
  hasten(): void {
    // Connections that come about and are of no use show already that the server answers.
    if (this.#retryTimer === undefined || this.#useless > 0) return
    this.endPause()
    this.#next.supply()
  }

  /** Forgets when the next attempt was due. */
  endPause(): void {
    const { clock } = this.#context.runtime
    clock.clearTimeout(this.#retryTimer)
    clock.clearTimeout(this.#aloneTimer)
    this.#retryTimer = undefined
    this.#aloneTimer = undefined
  }

  /** From now on, for `rampMs`, attempts follow one another at such a pace that the pool is full after it. */
  ramp(): void {
    const now = this.#context.runtime.clock.now()
    this.#rampEndsAt = now + this.#context.options.rampMs
    this.#rampsNextAt = now
  }

  #pause(error: Error, failures: number): void {
    this.#lastError = error
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    this.#retryIn(ceiling * (0.5 + this.#context.runtime.clock.random() / 2))
  }

  /** Whether an attempt is under way that is to come about before others begin. */
  #isAhead(running: number): boolean {
    const { clock } = this.#context.runtime
    const now = clock.now()
    if (now - this.#lostAt >= ENDING_MS) return false
    if (running === 0) {
      this.#aloneUntil = now + ALONE_MS
      return false
    }
    const leftMs = this.#aloneUntil - now
    if (leftMs <= 0) return false
    if (this.#aloneTimer === undefined) this.#endAloneIn(leftMs)
    return true
  }

  #endAloneIn(delayMs: number): void {
    const { clock } = this.#context.runtime
    clock.clearTimeout(this.#aloneTimer)
    this.#aloneTimer = clock.setTimeout(() => {
      this.#aloneTimer = undefined
      this.#next.supply()
    }, delayMs)
  }

  #rampAdmits(): boolean {
    const { clock } = this.#context.runtime
    const { rampMs, poolSize, maxOverflow } = this.#context.options
    const now = clock.now()
    if (now >= this.#rampEndsAt) {
      this.#rampEndsAt = 0
      return true
    }
    if (now < this.#rampsNextAt) {
      this.#retryIn(this.#rampsNextAt - now)
      return false
    }
    this.#rampsNextAt = now + (rampMs / (poolSize + maxOverflow)) * (0.5 + clock.random())
    return true
  }

  #retryIn(delayMs: number): void {
    this.endPause()
    this.#retryTimer = this.#context.runtime.clock.setTimeout(() => {
      this.#retryTimer = undefined
      this.#next.supply()
    }, delayMs)
  }
}
