import { NO_PATH, type Path } from '../collector/paths.js'

/** Reads of so many rows may be pages of a large result, rather than one row's children. */
const ROWS_OF_A_PAGE = 100
/** Pauses of that length between repeats are those of polling. In milliseconds. */
const POLLING_PAUSE_MS = 250

/** Reads that return fewer rows on average look up one row each, whatever their limits and lists. */
const ROWS_OF_SEVERAL = 2

/** How a read has ended, and when, on the clock of the manager. In milliseconds. */
export interface EndedRead {
  readonly rows: number
  readonly runMs: number
  readonly at: number
  readonly failed: boolean
}

/** How often one unit of work has run a statement of one shape. */
export class Repeats {
  /** Begun, without those that have failed: another try is no repetition. */
  count = 0
  runMs = 0
  /** Whether one has begun while another one was on its way. */
  overlapped = false
  #rows = 0
  #ended = 0
  #large = 0
  #pausedMs = 0
  #lastEndedAt: number | undefined
  /** Calls by where they came from, of those whose way was read. */
  readonly #paths = new Map<Path, number>()

  begin(at: number): void {
    if (this.#lastEndedAt !== undefined) this.#pausedMs += Math.max(0, at - this.#lastEndedAt)
    if (this.count > this.#ended) this.overlapped = true
    this.count += 1
  }

  came(path: Path): void {
    if (path !== NO_PATH) this.#paths.set(path, (this.#paths.get(path) ?? 0) + 1)
  }

  end({ at, failed, rows, runMs }: EndedRead): void {
    if (failed) {
      this.count -= 1
      return
    }
    this.#ended += 1
    this.runMs += runMs
    this.#rows += rows
    if (rows >= ROWS_OF_A_PAGE) this.#large += 1
    this.#lastEndedAt = at
  }

  /** The one way that at least `least` calls came by, if there is one. */
  path(least: number): Path | undefined {
    for (const [path, count] of this.#paths) if (count >= least) return path
    return undefined
  }

  /** Whether all ways that were read are one. */
  get oneWay(): boolean {
    return this.#paths.size === 1
  }

  /** Whether a read returns several rows on average. */
  get readsSeveral(): boolean {
    return this.#ended > 0 && this.#rows / this.#ended >= ROWS_OF_SEVERAL
  }

  /** Whether most reads return very many rows. */
  get readsPages(): boolean {
    return this.#ended > 0 && 2 * this.#large >= this.#ended
  }

  /** Whether it looks for news, with pauses. */
  get isPolling(): boolean {
    return this.#ended > 0 && this.#pausedMs / Math.max(1, this.count - 1) >= POLLING_PAUSE_MS
  }
}
