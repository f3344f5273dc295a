/** Whether a server at one position has what was written up to another. */
type Covers = (position: string, written: string) => boolean

interface Sample {
  readonly at: number
  readonly position: string
}

/**
 * How far standbys are behind, as time. Measured against what the writer has been seen to write, so that an idle
 * writer is not mistaken for lag, and a standby that has paused is noticed.
 */
export class ReplicationLag {
  readonly #samples: Sample[] = []
  readonly #spanMs: number
  readonly #covers: Covers

  /** @param spanMs how far back to remember; lag beyond it is reported as this much */
  constructor(spanMs: number, covers: Covers) {
    this.#spanMs = spanMs
    this.#covers = covers
  }

  /** The writer was at this position. */
  written(at: number, position: string): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && this.#covers(last.position, position)) return
    this.#samples.push({ at, position })
    while (this.#samples.length > 1 && at - (this.#samples[1] as Sample).at > this.#spanMs)
      this.#samples.shift()
  }

  /** Milliseconds by which a standby that has everything up to `position` is behind. */
  of(at: number, position: string): number {
    const missing = this.#samples.find((sample) => !this.#covers(position, sample.position))
    return missing === undefined ? 0 : at - missing.at
  }

  /**
   * Another server writes now, from `position` on. What came before is the same there and still tells how far behind a
   * standby is, which a failover makes no better; what came after belongs to a history that has ended.
   */
  rebase(position: string): void {
    const index = this.#samples.findIndex((sample) => !this.#covers(position, sample.position))
    if (index !== -1) this.#samples.length = index
  }

  /** Forgets everything: another server writes now, whose positions have nothing to do with those before. */
  reset(): void {
    this.#samples.length = 0
  }
}
