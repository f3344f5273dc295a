/** An answer is some time on its way through a busy process. */
const MARGIN_MS = 20

interface Sighting {
  readonly at: number
  readonly position: bigint
  readonly startedAt: string | undefined
}

/**
 * Finds standbys that have replayed what the writer never wrote: another standby was promoted that had received less.
 * What such a one shows never was, for everybody else, and it does not follow the writer until it is rewound or rebuilt,
 * for which it has to be restarted.
 */
export class Divergence<K> {
  readonly #sightings = new Map<K, Sighting>()
  /** With the timeline of the writer by which they were judged. */
  readonly #strays = new Map<K, { readonly startedAt: string | undefined; readonly by: number }>()

  /** A standby had replayed up to `position` at `at`. */
  replayed(standby: K, at: number, position: bigint, startedAt: string | undefined): void {
    this.#sightings.set(standby, { at, position, startedAt })
    if (this.#strays.get(standby)?.startedAt !== startedAt) this.#strays.delete(standby)
  }

  /**
   * The writer had written up to `position` at some time after `askedAt`. Returns the standbys that were further before
   * that, unless they are known. A writer on a later timeline judges anew: the one before may have been the one that had
   * been left behind.
   */
  written(askedAt: number, position: bigint, timeline = 0): K[] {
    const found: K[] = []
    for (const [standby, { at, position: replayed, startedAt }] of this.#sightings) {
      const judgedBy = this.#strays.get(standby)?.by
      if (judgedBy !== undefined && judgedBy >= timeline) continue
      this.#strays.delete(standby)
      if (at > askedAt - MARGIN_MS || replayed <= position) continue
      this.#strays.set(standby, { startedAt, by: timeline })
      found.push(standby)
    }
    return found
  }

  /** True for a standby that was found, until it is restarted. */
  has(standby: K): boolean {
    return this.#strays.has(standby)
  }

  /** It is no standby any more. */
  forget(server: K): void {
    this.#sightings.delete(server)
    this.#strays.delete(server)
  }

  reset(): void {
    this.#sightings.clear()
    this.#strays.clear()
  }
}
