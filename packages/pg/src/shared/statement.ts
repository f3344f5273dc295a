import { isShareable } from './shareable.js'

/** Texts kept in mind; a program has fewer, unless it writes values into them. */
const MOST_TEXTS = 1000
/** A query that takes longer than this holds up those behind it noticeably. */
const SLOW_MS = 10
const SLOW_WEIGHS = 32
/** Two slow runs among few fast ones. */
const SLOW_FROM = 48
const SLOWEST = 512

/** What is known of the statements with one text. */
export class Statement {
  readonly shareable: boolean
  #slowness = 0

  constructor(text: string) {
    this.shareable = isShareable(text)
  }

  /**
   * It has been slow lately, so it is to run where it holds up nobody. Each time this is asked the memory fades, so that
   * it is tried again among others after some hundred runs.
   */
  isSlow(): boolean {
    if (this.#slowness < SLOW_FROM) return false
    this.#slowness -= 1
    return true
  }

  /** One slow run alone may be the fault of the machine, and is forgotten after a few fast ones. */
  ran(durationMs: number): void {
    if (durationMs > SLOW_MS) {
      // Once known as slow, one more slow run is enough.
      this.#slowness += this.#slowness >= SLOW_FROM - SLOW_WEIGHS ? SLOWEST : SLOW_WEIGHS
    } else if (this.#slowness > 0) this.#slowness -= 1
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
