/** V8 hashes a shorter one as fast as it compares it. */
const SHORTEST = 200
/** A longer one, such as many rows to insert, is seldom sent again. */
const LONGEST = 8192
const SLOTS = 256

/**
 * Keeps what is known of the latest texts, one for each length or so. To look one up it is compared, not hashed: an ORM
 * writes the text of each statement anew, and hashing two thousand characters takes microseconds, comparing them a tenth of that.
 */
export class TextsByLength<V> {
  readonly #texts: (string | undefined)[] = new Array(SLOTS).fill(undefined)
  readonly #values: (V | undefined)[] = new Array(SLOTS).fill(undefined)

  get(text: string): V | undefined {
    const slot = text.length % SLOTS
    return this.#texts[slot] === text ? this.#values[slot] : undefined
  }

  set(text: string, value: V): void {
    if (text.length < SHORTEST || text.length > LONGEST) return
    const slot = text.length % SLOTS
    this.#texts[slot] = text
    this.#values[slot] = value
  }
}

const TEXTS = new TextsByLength<string>()

/** The text, or the same one of before, whose hash is known: all that is known of a text is looked up by it. */
export function sameText(text: string): string {
  const known = TEXTS.get(text)
  if (known !== undefined) return known
  TEXTS.set(text, text)
  return text
}
