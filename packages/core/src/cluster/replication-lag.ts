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

  /**
   * Another server writes now, from `position` on. What came before is the same there and still tells how far behind a
   * standby is, which a failover makes no better; what came after belongs to a history that has ended.
   */
  rebase(position: bigint): void {
    const index = this.#samples.findIndex((sample) => sample.position > position)
    if (index !== -1) this.#samples.length = index
  }

  /** Forgets everything: another server writes now, whose positions have nothing to do with those before. */
  reset(): void {
    this.#samples.length = 0
  }
}
