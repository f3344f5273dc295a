import type { Clock, TimerHandle } from './clock.js'

/**
 * Knows how long the event loop or the whole process has stood still, so that such time counts neither towards
 * deadlines nor as a leak nor as a server's failure.
 *
 * It watches how late its own timer fires. One monitor serves a whole manager. Each of its intervals counts as time in
 * which something ran, so that even a process that stands still most of the time gets to its deadlines.
 */
export class StallMonitor {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #thresholdMs: number
  readonly #onStall = new Set<(stalledMs: number) => void>()
  #timer: TimerHandle | undefined
  #dueAt = 0
  #stalledMs = 0

  constructor(clock: Clock, options: { intervalMs?: number; thresholdMs?: number } = {}) {
    this.#clock = clock
    this.#intervalMs = options.intervalMs ?? 100
    this.#thresholdMs = options.thresholdMs ?? 250
  }

  /** Time lost to stalls that are over. Costs nothing to ask; good for the beginning of a span, never for its end. */
  get countedMs(): number {
    return this.#stalledMs
  }

  /** Time lost to stalls since the start, including one that is only now coming to light. */
  get stalledMs(): number {
    return this.#stalledMs + this.#currentStall()
  }

  /** Calls `listener` after every stall, with its length. Returns the function that unsubscribes. */
  onStall(listener: (stalledMs: number) => void): () => void {
    this.#onStall.add(listener)
    return () => {
      this.#onStall.delete(listener)
    }
  }

  start(): void {
    if (this.#timer === undefined) this.#arm()
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    this.#dueAt = this.#clock.now() + this.#intervalMs
    this.#timer = this.#clock.setTimeout(() => {
      const stalledMs = this.#currentStall()
      this.#stalledMs += stalledMs
      this.#arm()
      if (stalledMs > 0) for (const listener of [...this.#onStall]) listener(stalledMs)
    }, this.#intervalMs)
  }

  #currentStall(): number {
    if (this.#timer === undefined) return 0
    const lateMs = this.#clock.now() - this.#dueAt
    return lateMs >= this.#thresholdMs ? lateMs : 0
  }
}
