import {
  AND,
  BACKSLASH,
  COLON,
  classOf,
  DIGIT,
  DOLLAR,
  DOT,
  DOUBLE_QUOTE,
  EQUALS,
  isNamePart,
  isSign,
  isTagPart,
  keepsSign,
  LETTER,
  LINE_FEED,
  MARK,
  MINUS,
  OPERATOR,
  QUOTE,
  RETURN,
  SLASH,
  SPACE,
  STAR,
} from './characters.js'

/** What a token of a statement is. */
export type TokenKind =
  /** A name or keyword without quotes, in lower case. */
  | 'word'
  /** A name in double quotes, without them. */
  | 'name'
  /** A string constant of any kind. */
  | 'string'
  | 'number'
  /** `$1` */
  | 'parameter'
  /** Of PostgreSQL's operator characters. */
  | 'operator'
  /** One of `( ) [ ] , ; . :`, or `::` or `:=`. */
  | 'mark'
  | 'end'
  /** Where the rest of the text cannot be read with certainty. */
  | 'unclear'

/** PostgreSQL truncates longer names, to a length that depends on its build and on the encoding. */
const LONGEST_NAME = 63

/**
 * Reads the text of statements as PostgreSQL does, token by token, each character a bounded number of times. Where
 * versions or settings of the server read a text in different ways it says so, by the token `unclear`, and ends.
 */
export class Lexer {
  kind: TokenKind = 'end'
  /** The name, the operator or the mark; empty for what has none. */
  value = ''
  /** Characters looked at so far. */
  steps = 0
  readonly #text: string
  #at = 0
  /** Ends of an operator's run that are read as operators of their own. */
  #signsUntil = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Goes on to the next token, and returns what that is. */
  next(): TokenKind {
    if (this.kind === 'unclear') return this.kind
    this.value = ''
    this.kind = this.#skipBlank() ? this.#read() : 'unclear'
    if (this.kind === 'unclear') this.value = ''
    return this.kind
  }

  #read(): TokenKind {
    const text = this.#text
    if (this.#at >= text.length) return 'end'
    const code = text.charCodeAt(this.#at)
    switch (classOf(code)) {
      case LETTER:
        return this.#readWord()
      case DIGIT:
        return this.#readNumber()
      case OPERATOR:
        return this.#readOperator()
      case MARK:
        return this.#readMark(code)
      default:
    }
    if (code === QUOTE) return this.#readString(false)
    if (code === DOUBLE_QUOTE) return this.#readQuotedName()
    if (code === DOLLAR) return this.#readDollar()
    return 'unclear'
  }

  /** Skips white space and comments. False if a comment does not end. */
  #skipBlank(): boolean {
    const text = this.#text
    for (;;) {
      const code = this.#peek()
      if (classOf(code) === SPACE) this.#at += 1
      else if (code === MINUS && text.charCodeAt(this.#at + 1) === MINUS) this.#skipLine()
      else if (code === SLASH && text.charCodeAt(this.#at + 1) === STAR) {
        if (!this.#skipComment()) return false
      } else return true
    }
  }

  #skipLine(): void {
    for (;;) {
      const code = this.#peek()
      if (code === LINE_FEED || code === RETURN || Number.isNaN(code)) return
      this.#at += 1
    }
  }

  /** PostgreSQL nests them. */
  #skipComment(): boolean {
    const text = this.#text
    let depth = 0
    for (;;) {
      const code = this.#peek()
      if (Number.isNaN(code)) return false
      const after = text.charCodeAt(this.#at + 1)
      if (code === SLASH && after === STAR) {
        depth += 1
        this.#at += 2
      } else if (code === STAR && after === SLASH) {
        depth -= 1
        this.#at += 2
        if (depth === 0) return true
      } else this.#at += 1
    }
  }

  #readWord(): TokenKind {
    const start = this.#at
    let ascii = true
    for (;;) {
      const code = this.#peek()
      if (code >= 128) ascii = false
      else if (!isNamePart(code)) break
      this.#at += 1
    }
    const word = this.#text.slice(start, this.#at)
    const prefix = this.#readPrefixed(word)
    if (prefix !== undefined) return prefix
    this.value = word.toLowerCase()
    // Which other letters PostgreSQL puts into lower case depends on the encoding.
    if (!ascii && this.value !== lowerAscii(word)) return 'unclear'
    return isName(this.value, ascii) ? 'word' : 'unclear'
  }

  /** A constant or name that begins with a letter: `E'\n'`, `U&"\0061"`. */
  #readPrefixed(word: string): TokenKind | undefined {
    const next = this.#text.charCodeAt(this.#at)
    if (word.length !== 1) return undefined
    const letter = word.toLowerCase()
    if (next === QUOTE) {
      if (letter === 'e') return this.#readString(true)
      if (letter === 'n') return this.#readString(false)
      if (letter === 'b' || letter === 'x') return this.#readBits()
    }
    if (letter !== 'u' || next !== AND) return undefined
    const after = this.#text.charCodeAt(this.#at + 1)
    // A name in escapes may be any name.
    if (after === DOUBLE_QUOTE) return 'unclear'
    if (after !== QUOTE) return undefined
    this.#at += 1
    return this.#readString(false)
  }

  /**
   * Whether a backslash before a quote keeps the string from ending depends, without an E, on the server's
   * `standard_conforming_strings`; the two readings agree unless an odd number of them stands before a quote.
   */
  #readString(escapes: boolean): TokenKind {
    const text = this.#text
    this.#at += 1
    let backslashes = 0
    for (;;) {
      const code = this.#peek()
      if (Number.isNaN(code)) return 'unclear'
      this.#at += 1
      if (code === BACKSLASH) {
        backslashes += 1
        continue
      }
      const odd = backslashes % 2 === 1
      backslashes = 0
      if (code !== QUOTE || (odd && escapes)) continue
      if (odd) return 'unclear'
      if (text.charCodeAt(this.#at) !== QUOTE) return 'string'
      this.#at += 1
    }
  }

  /** In these a doubled quote ends the one and begins the next. */
  #readBits(): TokenKind {
    this.#at += 1
    while (this.#peek() !== QUOTE) {
      if (this.#at >= this.#text.length) return 'unclear'
      this.#at += 1
    }
    this.#at += 1
    return this.#text.charCodeAt(this.#at) === QUOTE ? 'unclear' : 'string'
  }

  #readQuotedName(): TokenKind {
    const text = this.#text
    this.#at += 1
    const start = this.#at
    let ascii = true
    let doubled = false
    for (;;) {
      const code = this.#peek()
      if (Number.isNaN(code)) return 'unclear'
      this.#at += 1
      if (code >= 128) ascii = false
      if (code !== DOUBLE_QUOTE) continue
      if (text.charCodeAt(this.#at) !== DOUBLE_QUOTE) break
      doubled = true
      this.#at += 1
    }
    const name = text.slice(start, this.#at - 1)
    this.value = doubled ? name.replaceAll('""', '"') : name
    return isName(this.value, ascii) ? 'name' : 'unclear'
  }

  /** A parameter, or a string in dollars. */
  #readDollar(): TokenKind {
    const text = this.#text
    const start = this.#at
    this.#at += 1
    if (classOf(this.#peek()) === DIGIT) {
      while (classOf(this.#peek()) === DIGIT) this.#at += 1
      // Servers before 15 read a name from here.
      return classOf(this.#peek()) === LETTER ? 'unclear' : 'parameter'
    }
    while (isTagPart(this.#peek())) this.#at += 1
    // A tag that is very long could make the search for its end slow.
    if (this.#peek() !== DOLLAR || this.#at - start > LONGEST_NAME) return 'unclear'
    this.#at += 1
    const tag = text.slice(start, this.#at)
    const end = text.indexOf(tag, this.#at)
    if (end === -1) return 'unclear'
    this.steps += end - this.#at
    this.#at = end + tag.length
    return 'string'
  }

  /** Versions differ in what they make of letters that follow a number. */
  #readNumber(): TokenKind {
    const text = this.#text
    this.#skipDigits()
    if (this.#peek() === DOT && text.charCodeAt(this.#at + 1) !== DOT) {
      this.#at += 1
      this.#skipDigits()
    }
    const code = this.#peek()
    if (code === 69 || code === 101) {
      const sign = text[this.#at + 1]
      const digits = this.#at + (sign === '+' || sign === '-' ? 2 : 1)
      if (classOf(text.charCodeAt(digits)) === DIGIT) {
        this.#at = digits
        this.#skipDigits()
      }
    }
    return classOf(this.#peek()) === LETTER ? 'unclear' : 'number'
  }

  #skipDigits(): void {
    while (classOf(this.#peek()) === DIGIT) this.#at += 1
  }

  #readOperator(): TokenKind {
    const text = this.#text
    const start = this.#at
    if (start < this.#signsUntil) {
      this.#at += 1
      this.value = text[start] as string
      return 'operator'
    }
    let signMayEnd = false
    for (;;) {
      const code = this.#peek()
      if (classOf(code) !== OPERATOR) break
      const after = text.charCodeAt(this.#at + 1)
      if (code === MINUS && after === MINUS) break
      if (code === SLASH && after === STAR) break
      signMayEnd ||= keepsSign(text[this.#at] as string)
      this.#at += 1
    }
    if (!signMayEnd) {
      // The signs that are left over are read as operators of one character each.
      this.#signsUntil = this.#at
      while (this.#at > start + 1 && isSign(text.charCodeAt(this.#at - 1))) this.#at -= 1
    }
    if (this.#at - start > LONGEST_NAME) return 'unclear'
    const operator = text.slice(start, this.#at)
    this.value = operator === '!=' ? '<>' : operator
    return 'operator'
  }

  #readMark(code: number): TokenKind {
    const text = this.#text
    const after = text.charCodeAt(this.#at + 1)
    if (code === DOT && classOf(after) === DIGIT) {
      this.#at += 1
      return this.#readNumber()
    }
    const long = code === COLON && (after === COLON || after === EQUALS)
    const end = this.#at + (long ? 2 : 1)
    this.value = text.slice(this.#at, end)
    this.#at = end
    return 'mark'
  }

  #peek(): number {
    this.steps += 1
    return this.#text.charCodeAt(this.#at)
  }
}

function lowerAscii(word: string): string {
  return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Whether the server takes a name as it stands here. */
function isName(name: string, ascii: boolean): boolean {
  if (name.length === 0 || name.length > LONGEST_NAME) return false
  // Half a surrogate pair is sent as another character.
  return ascii || (Buffer.byteLength(name) <= LONGEST_NAME && !/\p{Surrogate}/u.test(name))
}
