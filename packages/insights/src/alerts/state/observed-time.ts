/**
 * Counts the time that was watched: what passes between two evaluations counts up to a limit, so that a process that was
 * frozen, or whose event loop stood still, does not take that for time in which a condition has held.
 */
export class ObservedTime {
  readonly #longestStepMs: number
  #readAtMs: number | undefined
  #nowMs = 0

  constructor(longestStepMs: number) {
    this.#longestStepMs = longestStepMs
  }

  /** @param clockMs the clock's monotonic time */
  advanceTo(clockMs: number): number {
    const passedMs = clockMs - (this.#readAtMs ?? clockMs)
    this.#readAtMs = clockMs
    this.#nowMs += Math.min(passedMs, this.#longestStepMs)
    return this.#nowMs
  }
}
