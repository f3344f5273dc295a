/** Stands for a literal. */
const LITERAL = '?'
/** Stands for all that follows where a text is unclear. */
const CUT = '…'

const BLANKS = /\s+|--[^\n]*/y
/** An identifier or a key word. */
const WORD = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy
const PARAMETER = /\$\d+/y
/** `'…'`, `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'` */
const QUOTE = /(?:[ebxn]|u&)?'/iy
const NAME_QUOTE = /(?:u&)?"/iy
const DOLLAR_QUOTE = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy
/** Letters behind the digits belong to the number: it is one in hexadecimal, or no SQL. */
const NUMBER = /(?:\d|\.\d)[\w.]*/y
const EXPONENT = /[+-]\d[\w.]*/y
const LIST = [LITERAL, ',', LITERAL]
const ROWS = ['(', LITERAL, ')', ',', '(', LITERAL, ')']
/** What may stand before the sign of a number; after anything else it adds or subtracts. */
const BEFORE_SIGN =
  /^(?:[(,=<>*/%|;[+-]|select|values|limit|offset|and|or|when|then|else|between|by|return)$/i

/**
 * The shape of a statement: its text with `?` for literals, parameters, and lists of them, without comments and with
 * single blanks, so that statements which differ in their values alone are the same. Where it is unclear what a text
 * means, as in a literal without an end, it is cut off, with `…`, and never shows a value. Reads a text once.
 */
export function fingerprint(text: string): string {
  return new Scanner(text).scan()
}

class Scanner {
  readonly #text: string
  #at = 0
  readonly #shape: string[] = []

  constructor(text: string) {
    this.#text = text
  }

  scan(): string {
    while (this.#at < this.#text.length) {
      const token = this.#next()
      this.#add(token ?? CUT)
      if (token === undefined) break
    }
    return this.#shape.join('').trim()
  }

  #add(token: string): void {
    if (token === ' ' && this.#shape.at(-1) === ' ') return
    if (token === LITERAL) this.#dropSign()
    this.#shape.push(token)
    // Lists of any length, and any number of rows, are one shape.
    if (token === LITERAL) this.#keepFirst(LIST, 1)
    else if (token === ')') this.#keepFirst(ROWS, 3)
  }

  #dropSign(): void {
    const sign = this.#last(this.#shape.length)
    if (this.#shape[sign] !== '-' && this.#shape[sign] !== '+') return
    const before = this.#shape[this.#last(sign)]
    if (before === undefined || BEFORE_SIGN.test(before)) this.#shape.length = sign
  }

  /** If the shape ends with these tokens, blanks aside, keeps the first of them. */
  #keepFirst(tokens: readonly string[], kept: number): void {
    let index = this.#shape.length
    for (let i = tokens.length - 1; i >= 0; i -= 1) {
      index = this.#last(index)
      if (this.#shape[index] !== tokens[i]) return
    }
    this.#shape.length = index + kept
  }

  /** The place of the last token before `index` that is no blank; -1 if there is none. */
  #last(index: number): number {
    return this.#shape[index - 1] === ' ' ? index - 2 : index - 1
  }

  /** Reads one token and tells how it is shown; undefined if it is unclear. */
  #next(): string | undefined {
    if (this.#take(BLANKS) !== undefined) return ' '
    if (this.#text.startsWith('/*', this.#at)) return this.#skipComment() ? ' ' : undefined
    const quote = this.#take(QUOTE)
    if (quote !== undefined) return this.#skipLiteral(/^e/i.test(quote)) ? LITERAL : undefined
    const begin = this.#at
    if (this.#take(NAME_QUOTE) !== undefined)
      return this.#skipQuoted('"') ? this.#text.slice(begin, this.#at) : undefined
    const word = this.#take(WORD)
    if (word !== undefined) return word
    if (this.#take(PARAMETER) !== undefined) return LITERAL
    const tag = this.#take(DOLLAR_QUOTE)
    if (tag !== undefined) return this.#skipPast(tag) ? LITERAL : undefined
    const number = this.#take(NUMBER)
    if (number !== undefined) {
      if (/^[^x]*e$/i.test(number)) this.#take(EXPONENT)
      return LITERAL
    }
    // What psql or another database would make of it is not known.
    const character = this.#text[this.#at++] as string
    return character === '\\' || character === '`' ? undefined : character
  }

  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #skipPast(end: string): boolean {
    const index = this.#text.indexOf(end, this.#at)
    this.#at = index === -1 ? this.#text.length : index + end.length
    return index !== -1
  }

  /** To the quote that is not doubled. */
  #skipQuoted(quote: string): boolean {
    while (this.#skipPast(quote)) {
      if (this.#text[this.#at] !== quote) return true
      this.#at += 1
    }
    return false
  }

  /** @param escaping whether a backslash escapes what follows it */
  #skipLiteral(escaping: boolean): boolean {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at]
      if (character === '\\') {
        // It depends on a setting of the session whether a plain literal ends here.
        if (!escaping && this.#text[this.#at + 1] === "'") return false
        if (escaping) this.#at += 1
      } else if (character === "'") {
        this.#at += 1
        if (this.#text[this.#at] !== "'") return true
      }
    }
    return false
  }

  /** Comments may hold comments. */
  #skipComment(): boolean {
    let depth = 0
    do {
      const opens = this.#text.startsWith('/*', this.#at)
      if (opens || this.#text.startsWith('*/', this.#at)) {
        depth += opens ? 1 : -1
        this.#at += 2
      } else this.#at += 1
      if (depth === 0) return true
    } while (this.#at < this.#text.length)
    return false
  }
}
