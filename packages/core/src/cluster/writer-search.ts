import type { Clock, TimerHandle } from '../time/clock.js'
import type { FailoverKnobs } from './options.js'

const SHORTEST_PACE_MS = 20

/**
 * The pause between probes while something is being decided. A restart or a planned promotion takes a tenth of a second,
 * and is to be noticed as soon; what has taken a second will take longer, and is asked about less often.
 */
export function urgentPaceMs(searchingMs: number, fastProbeIntervalMs: number): number {
  return Math.min(fastProbeIntervalMs, Math.max(SHORTEST_PACE_MS, searchingMs / 10))
}

/**
 * Keeps the time of a search for a writer: attempts of `failoverTimeoutMs`, with growing pauses between them. It only
 * counts; probing goes on all the while.
 */
export class WriterSearch {
  readonly #knobs: FailoverKnobs
  readonly #clock: Clock
  readonly #onAttemptFailed: (attempt: number, final: boolean) => void
  #timer: TimerHandle | undefined
  #startedAt: number | undefined
  #attempt = 0
  #exhausted = false

  constructor(
    knobs: FailoverKnobs,
    clock: Clock,
    onAttemptFailed: (attempt: number, final: boolean) => void,
  ) {
    this.#knobs = knobs
    this.#clock = clock
    this.#onAttemptFailed = onAttemptFailed
  }

  /** True until the search succeeds, even after all attempts have failed. */
  get running(): boolean {
    return this.#startedAt !== undefined
  }

  /** True once all attempts have failed. */
  get exhausted(): boolean {
    return this.#exhausted
  }

  get durationMs(): number {
    return this.#startedAt === undefined ? 0 : this.#clock.now() - this.#startedAt
  }

  start(): void {
    if (this.running) return
    this.#startedAt = this.#clock.now()
    this.#attempt = 0
    this.#nextAttempt()
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#startedAt = undefined
    this.#exhausted = false
  }

  #nextAttempt(): void {
    this.#attempt += 1
    this.#timer = this.#clock.setTimeout(() => this.#attemptFailed(), this.#knobs.failoverTimeoutMs)
  }

  #attemptFailed(): void {
    const final = this.#attempt >= this.#knobs.retryAttempts
    this.#exhausted = final
    const pauseMs = this.#clock.random() * this.#knobs.retryDelayMs * 2 ** (this.#attempt - 1)
    if (!final) this.#timer = this.#clock.setTimeout(() => this.#nextAttempt(), pauseMs)
    this.#onAttemptFailed(this.#attempt, final)
  }
}
