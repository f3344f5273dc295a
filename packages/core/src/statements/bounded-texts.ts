/** About what an entry takes beside its text, in characters of two bytes. */
const ENTRY = 1000

/**
 * Keeps what is known of texts, up to a total length of the texts: a program that writes values into its statements
 * sends any number of them, of any length. Those used lately stay.
 */
export class BoundedTexts<V> {
  readonly #mostCharacters: number
  #recent = new Map<string, V>()
  #recentCharacters = 0
  #older = new Map<string, V>()

  /** @param mostCharacters of all texts together; one that is longer than a sixteenth of that is not kept */
  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters
  }

  get(text: string): V | undefined {
    const recent = this.#recent.get(text)
    if (recent !== undefined || this.#older.size === 0) return recent
    const older = this.#older.get(text)
    if (older !== undefined) this.set(text, older)
    return older
  }

  set(text: string, value: V): void {
    if (text.length > this.#mostCharacters / 16) return
    // Half of the room is for those used since the other half was filled.
    if (this.#recentCharacters > this.#mostCharacters / 2) {
      this.#older = this.#recent
      this.#recent = new Map()
      this.#recentCharacters = 0
    }
    if (!this.#recent.has(text)) this.#recentCharacters += text.length + ENTRY
    this.#recent.set(text, value)
  }

  clear(): void {
    this.#recent = new Map()
    this.#recentCharacters = 0
    this.#older = new Map()
  }

  /** Of all texts that are kept. */
  get characters(): number {
    let characters = 0
    for (const texts of [this.#recent, this.#older])
      for (const text of texts.keys()) characters += text.length + ENTRY
    return characters
  }
}
