import type { Clock } from '@connmgr/core/driver'

/** A reading is used for so long. Asking takes half a microsecond, and a lease asks several times. */
const RECENT_MS = 0.25

/** How long the event loop has been idle. */
export class LoopIdle {
  readonly #clock: Clock
  #readMs = 0
  #readAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.loopIdleMs()
  }

  /** The same as of a quarter of a millisecond ago at most. @param now on the clock */
  recent(now: number): number {
    if (now - this.#readAt >= RECENT_MS) {
      this.#readMs = this.#clock.loopIdleMs()
      this.#readAt = now
    }
    return this.#readMs
  }
}
