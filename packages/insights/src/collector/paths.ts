import {
  type CallSite,
  CaptureBudget,
  type Clock,
  captureStack,
  type FunctionReference,
  type NotedOrigin,
  userPath,
} from '@connmgr/core/driver'
import type { CodePlace } from '../snapshot.js'

/** The lines of user code that led to a call; one object for each way. */
export interface Path {
  /** Innermost first; empty if no stack led to user code. */
  readonly places: readonly CodePlace[]
  readonly site: CodePlace | undefined
  /** The innermost line, in one word. */
  readonly siteKey: string
}

/** Lines of a way that are kept. */
const DEPTH = 5
const MOST_PATHS = 5000

/** A way that leads nowhere. */
export const NO_PATH: Path = { places: [], site: undefined, siteKey: '' }

/** Reads where calls come from, within a budget: a stack costs as much as some dozen other steps of a statement. */
export class Paths {
  readonly #clock: Clock
  readonly #rate: number | 'adaptive'
  readonly #budget: CaptureBudget
  readonly #known = new Map<string, Path>()
  readonly #places = new Map<string, CodePlace>()

  constructor(clock: Clock, rate: number | 'adaptive') {
    this.#clock = clock
    this.#rate = rate
    this.#budget = new CaptureBudget(clock)
  }

  /** Whether the next call, at `now`, is among those whose way is read. */
  sample(now: number): boolean {
    if (this.#rate === 'adaptive') return this.#budget.sample(now)
    return this.#rate === 1 || (this.#rate > 0 && this.#clock.random() < this.#rate)
  }

  /** Whether one more may be read beside the samples. */
  extra(now: number): boolean {
    return this.#rate !== 0 && this.#budget.takeExtra(now)
  }

  /**
   * The way to the running call.
   *
   * @param below a function now on the stack
   * @param origin where the call was begun, for libraries whose own stack does not reach the caller
   */
  read(below: FunctionReference, origin: NotedOrigin | undefined): Path {
    const sites = this.#sites(below, origin)
    if (sites.length === 0) return NO_PATH
    const keys = sites.map(({ column, file, line }) => `${file}:${line}:${column}`)
    const key = keys.join('\n')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= MOST_PATHS) this.#known.clear()
    if (this.#places.size >= MOST_PATHS) this.#places.clear()
    const places = sites.map((site, index) => this.#place(keys[index] as string, site))
    const path: Path = { places, site: places[0], siteKey: keys[0] as string }
    this.#known.set(key, path)
    return path
  }

  #sites(below: FunctionReference, origin: NotedOrigin | undefined): readonly CallSite[] {
    const noted = origin?.stack
    if (origin?.exact === true) {
      if (noted === undefined) return []
      const path = userPath(noted, DEPTH)
      if (path.length > 0) return path
    }
    const own = this.#budget.timed(() => userPath(captureStack(below), DEPTH))
    return own.length > 0 || noted === undefined ? own : userPath(noted, DEPTH)
  }

  #place(key: string, { column, file, functionName, line }: CodePlace): CodePlace {
    let place = this.#places.get(key)
    if (place === undefined) {
      place = { functionName, file, line, column }
      this.#places.set(key, place)
    }
    return place
  }
}
