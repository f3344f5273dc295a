import type { Clock, TimerHandle } from '../time/clock.js'

const JITTER = 0.2

/** What a timer's pause is shortened by at the most, so that many managers do not ask at once. */
export const LEAST_PAUSE = 1 - JITTER

/** Runs probes again and again, at a pace that may change from one to the next. */
export class ProbeTimer {
  readonly #clock: Clock
  readonly #paceMs: () => number
  readonly #onDue: () => void
  #timer: TimerHandle | undefined
  #dueAt = Number.POSITIVE_INFINITY

  /** @param paceMs pause until the next probe, less up to 20 %; infinity for none */
  constructor(clock: Clock, paceMs: () => number, onDue: () => void) {
    this.#clock = clock
    this.#paceMs = paceMs
    this.#onDue = onDue
  }

  /** The next probe comes after the present pace, whenever it was due before. */
  start(): void {
    this.#schedule(this.#paceMs())
  }

  /** Brings the next probe forward to a pace; never puts it off. */
  hurry(paceMs = this.#paceMs()): void {
    if (this.#clock.now() + paceMs < this.#dueAt) this.#schedule(paceMs)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  #schedule(paceMs: number): void {
    this.stop()
    if (!Number.isFinite(paceMs)) return
    // Only ever shorter, so that the longest time to notice a silence is known.
    const delayMs = paceMs * (1 - JITTER * this.#clock.random())
    this.#dueAt = this.#clock.now() + delayMs
    this.#timer = this.#clock.setTimeout(() => {
      this.start()
      if (this.#timer !== undefined) this.#onDue()
    }, delayMs)
  }
}
