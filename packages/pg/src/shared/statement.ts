import { isShareable } from './shareable.js'

/** Texts kept in mind; a program has fewer, unless it writes values into them. */
const MOST_TEXTS = 1000
/** What takes longer than this on average holds up those behind it noticeably. */
const SLOW_MS = 5
/** A single run counts for no more, as it may be the fault of the machine. */
const MOST_MS = 50
/** The weight of the last run in the average. */
const WEIGHT = 1 / 16

/** What is known of the statements with one text. */
export class Statement {
  readonly shareable: boolean
  #averageMs: number | undefined

  constructor(text: string) {
    this.shareable = isShareable(text)
  }

  /** It has been slow lately, so it is to run where it holds up nobody. */
  get slow(): boolean {
    return this.#averageMs !== undefined && this.#averageMs > SLOW_MS
  }

  /** Notes a run, among others or alone. */
  ran(durationMs: number): void {
    const ms = Math.min(durationMs, MOST_MS)
    this.#averageMs =
      this.#averageMs === undefined ? ms : this.#averageMs + (ms - this.#averageMs) * WEIGHT
  }
}

/** The statements of one pool by their text. */
export class Statements {
  readonly #byText = new Map<string, Statement>()

  get(text: string): Statement {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    // Starting anew is cheaper than knowing which were used last, and those in use are back at once.
    if (this.#byText.size >= MOST_TEXTS) this.#byText.clear()
    const statement = new Statement(text)
    this.#byText.set(text, statement)
    return statement
  }
}
