import type { Clock, TimerHandle } from './clock.js'

/**
 * Connections may have died unnoticed in a stop of this length. Less is a busy moment, or, of wall time that passes while
 * the monotonic clock stands still, a correction of the clock.
 */
const STOP_MS = 1000
/** Two looks at the clocks within this time are one: the machine does not fall asleep and wake up in between. */
const SAME_MOMENT_MS = 2

/**
 * Knows how long the event loop or the whole process has stood still, so that such time counts neither towards
 * deadlines nor as a leak nor as a server's failure, and tells when connections may have died meanwhile.
 *
 * It watches how late its own timer fires. One monitor serves a whole manager. Each of its intervals counts as time in
 * which something ran, so that even a process that stands still most of the time gets to its deadlines.
 *
 * What runs first after a stop is rarely this timer: code that is about to send something on a connection that was opened
 * before calls {@link look} with the time it has just read.
 */
export class StallMonitor {
  /** Stops of the process so far that connections may not have survived. */
  stops = 0
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #thresholdMs: number
  readonly #onStop = new Set<(stoppedMs: number) => void>()
  #timer: TimerHandle | undefined
  #dueAt = 0
  #stalledMs = 0
  #lookedAt = Number.POSITIVE_INFINITY
  /** Wall time less monotonic time, when they were looked at last. */
  #offsetMs = 0

  constructor(clock: Clock, options: { intervalMs?: number; thresholdMs?: number } = {}) {
    this.#clock = clock
    this.#intervalMs = options.intervalMs ?? 100
    this.#thresholdMs = options.thresholdMs ?? 250
  }

  /** Time lost to stalls since the start, including one that is only now coming to light. */
  get stalledMs(): number {
    return this.stalledAt(this.#clock.now())
  }

  /** The same, for who has just read the clock. A span between two moments lost the difference of the two. */
  stalledAt(now: number): number {
    return this.#stalledMs + this.#currentStall(now)
  }

  /**
   * Calls `listener` after every stop that connections may not have survived, with its length: a long stall, or a sleep of
   * the machine, which the monotonic clock need not count. Returns the function that unsubscribes.
   */
  onStop(listener: (stoppedMs: number) => void): () => void {
    this.#onStop.add(listener)
    return () => {
      this.#onStop.delete(listener)
    }
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#arm()
    this.#lookedAt = this.#clock.now()
    this.#offsetMs = this.#clock.wallTime() - this.#lookedAt
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#lookedAt = Number.POSITIVE_INFINITY
  }

  /** Notices a stop of the process that has just ended, before anything is sent. @param now the clock's time */
  look(now: number): void {
    // Under load this is all that an acquire pays for it.
    if (now - this.#lookedAt >= SAME_MOMENT_MS) this.#compare(now)
  }

  /** Whether the process has stood still since `stops` was read: an answer read now may have arrived before that. */
  hasStoppedSince(stops: number): boolean {
    this.look(this.#clock.now())
    return this.stops !== stops
  }

  #compare(now: number): void {
    const offsetMs = this.#clock.wallTime() - now
    const sleptMs = offsetMs - this.#offsetMs
    this.#lookedAt = now
    this.#offsetMs = offsetMs
    const stalledMs = this.#currentStall(now)
    if (stalledMs > 0) {
      this.#stalledMs += stalledMs
      this.#dueAt = now
    }
    const stoppedMs = Math.max(stalledMs, sleptMs)
    if (stoppedMs < STOP_MS) return
    this.stops += 1
    for (const listener of [...this.#onStop]) listener(stoppedMs)
  }

  #arm(): void {
    this.#dueAt = this.#clock.now() + this.#intervalMs
    this.#timer = this.#clock.setTimeout(() => {
      this.#compare(this.#clock.now())
      // A listener may have stopped it.
      if (this.#timer !== undefined) this.#arm()
    }, this.#intervalMs)
  }

  #currentStall(now: number): number {
    if (this.#timer === undefined) return 0
    const lateMs = now - this.#dueAt
    return lateMs >= this.#thresholdMs ? lateMs : 0
  }
}
