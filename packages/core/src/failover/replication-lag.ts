interface Sample {
  readonly at: number
  readonly position: bigint
}

/**
 * How far standbys are behind, as time. Measured against what the writer has been seen to write, so that an idle
 * writer is not mistaken for lag, and a paused replay is noticed.
 */
export class ReplicationLag {
  readonly #samples: Sample[] = []
  readonly #spanMs: number

  /** @param spanMs how far back to remember; lag beyond it is reported as this much */
  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** The writer was at this position. */
  written(at: number, position: bigint): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && last.position >= position) return
    this.#samples.push({ at, position })
    while (this.#samples.length > 1 && at - (this.#samples[1] as Sample).at > this.#spanMs)
      this.#samples.shift()
  }

  /** Milliseconds by which a standby that has replayed up to `position` is behind. */
  of(at: number, position: bigint): number {
    const missing = this.#samples.find((sample) => sample.position > position)
    return missing === undefined ? 0 : at - missing.at
  }

  /** Forgets everything: another server writes now, on another timeline. */
  reset(): void {
    this.#samples.length = 0
  }
}
