import { NO_PATH, type Path } from './paths.js'

/** So many samples in a row that came from the same line make it a habit, and one of so many is read from then on. */
const STEADY = 50
const SELDOM = 32

/** Where the calls of one statement, or by one function, come from: to read again what has long been the same says little. */
export class PathHabit {
  /** Where the latest call came from whose way was read: calls between two of these are taken to come from there too. */
  path: Path = NO_PATH
  /** How often in a row its line was the same, or was not read for that reason. */
  #unchanged = 0

  /** Whether a call that is among the samples is to be read. */
  get isWorthReading(): boolean {
    if (this.#unchanged < STEADY) return true
    this.#unchanged += 1
    return this.#unchanged % SELDOM === 0
  }

  came(path: Path): void {
    // By the line, as the same one may be reached by several ways, with each of which a habit would begin anew.
    this.#unchanged = path.siteKey === this.path.siteKey ? this.#unchanged + 1 : 0
    this.path = path
  }
}
