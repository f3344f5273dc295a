import type { Clock, TimerHandle } from '../time/clock.js'

/**
 * Milliseconds for which background work leaves the processor to the first caller: ample for a login and a short answer
 * from a server nearby, and short beside the time between two probes.
 */
export const HEAD_START_MS = 100

/** A time in which the processor belongs to the first caller. */
export class HeadStart {
  readonly #clock: Clock
  readonly #over: Promise<void>
  #resolve: () => void = () => {}
  #timer: TimerHandle | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#over = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Resolves when it is over; at once if it has been ended. */
  wait(): Promise<void> {
    this.#timer ??= this.#clock.setTimeout(this.#resolve, HEAD_START_MS)
    return this.#over
  }

  /** Ends it, or lets there be none. */
  end(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#resolve()
  }
}
