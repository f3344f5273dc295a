import type { History } from './history.js'

/** An answer is some time on its way through a busy process. */
const MARGIN_MS = 20

interface Verdict {
  readonly startedAt: string | undefined
  /** The history of the writer by which it was judged. */
  readonly by: string | undefined
}

interface Sighting {
  readonly at: number
  readonly position: string
  readonly startedAt: string | undefined
}

/**
 * Finds standbys that have applied what the writer never wrote: another standby was promoted that had received less.
 * What such a one shows exists nowhere else, and it does not follow the writer until it is rewound or rebuilt, for which it
 * has to be restarted.
 */
export class Divergence<K> {
  readonly #sightings = new Map<K, Sighting>()
  readonly #strays = new Map<K, Verdict>()
  readonly #comparison: History

  constructor(comparison: History) {
    this.#comparison = comparison
  }

  /** A standby was at `position` at `at`. */
  applied(standby: K, at: number, position: string, startedAt: string | undefined): void {
    this.#sightings.set(standby, { at, position, startedAt })
    if (this.#strays.get(standby)?.startedAt !== startedAt) this.#strays.delete(standby)
  }

  /**
   * The writer had written up to `position` at some time after `askedAt`. Returns the standbys that were further before
   * that, unless they are known. A writer after another promotion judges anew: the one before may have been the one that had
   * been left behind.
   */
  written(askedAt: number, position: string, history: string | undefined): K[] {
    const found: K[] = []
    for (const [standby, { at, position: applied, startedAt }] of this.#sightings) {
      const judged = this.#strays.get(standby)
      if (judged !== undefined && !this.#isNewer(history, judged.by)) continue
      this.#strays.delete(standby)
      if (at > askedAt - MARGIN_MS || this.#comparison.covers(position, applied)) continue
      this.#strays.set(standby, { startedAt, by: history })
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

  #isNewer(history: string | undefined, before: string | undefined): boolean {
    return (
      history !== undefined &&
      before !== undefined &&
      this.#comparison.order(history, before) === 'newer'
    )
  }
}
