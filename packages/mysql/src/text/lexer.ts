/** What a token of a statement is. */
export type TokenKind =
  /** A name or keyword without quotes, in lower case. */
  | 'word'
  /** A name in backticks, without them. */
  | 'name'
  /** In double quotes: a string, or a name if the server runs with ANSI_QUOTES. */
  | 'quoted'
  | 'string'
  | 'number'
  /** `@name`, with its sign, or `@@name` for one of the system. */
  | 'variable'
  /** `?` */
  | 'parameter'
  | 'operator'
  /** One of `( ) , ; .`, or `:=`. */
  | 'mark'
  | 'end'
  /** Where the rest of the text cannot be read with certainty. */
  | 'unclear'

const BLANKS = /[\s\0]+|#[^\n]*|--(?=[\s\0]|$)[^\n]*/y
const WORD = /[a-z_$\u0080-\uffff][\w$\u0080-\uffff]*/iy
/** Letters behind digits make a name of them, such as `2fa`, unless they are an exponent or a prefix. */
const NUMBER = /0x[\da-f]+|0b[01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy
const VARIABLE = /@@?(?:[\w.$\u0080-\uffff]+)?/y
const OPERATOR = /[=<>!+\-*/%&|^~{}[\]:]/y
const PLAIN_STRING = /[^'\\]*/y
const PLAIN_QUOTED = /[^"\\]*/y
const PLAIN_NAME = /[^`]*/y

/**
 * Reads the text of statements as MySQL and MariaDB do, token by token. Where versions or settings of the server read a
 * text in different ways it says so, by the token `unclear`, and ends. It takes a backslash for an escape: the caller must
 * not ask for texts with backslashes while the server reads them otherwise (NO_BACKSLASH_ESCAPES).
 */
export class Lexer {
  kind: TokenKind = 'end'
  /** The name, the variable or the mark; empty for what has none. */
  value = ''
  /** Where the token begins. */
  start = 0
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Where it ends. */
  get offset(): number {
    return this.#at
  }

  /** Goes on to the next token, and returns what that is. */
  next(): TokenKind {
    if (this.kind === 'unclear') return this.kind
    this.value = ''
    const clear = this.#skipBlank()
    this.start = this.#at
    this.kind = clear ? this.#read() : 'unclear'
    if (this.kind === 'unclear') this.value = ''
    return this.kind
  }

  #read(): TokenKind {
    const text = this.#text
    if (this.#at >= text.length) return 'end'
    const character = text[this.#at] as string
    switch (character) {
      case "'":
        return this.#readString("'", PLAIN_STRING) === undefined ? 'unclear' : 'string'
      case '"':
        return this.#readQuoted()
      case '`':
        return this.#readName()
      case '@':
        return this.#readVariable()
      case '?':
        this.#at += 1
        return 'parameter'
      case '(':
      case ')':
      case ',':
      case ';':
        return this.#mark(character)
      default:
    }
    if (text.startsWith(':=', this.#at)) return this.#mark(':=')
    if (this.#take(NUMBER) !== undefined)
      return this.#isWordBehindNumber() ? this.#readWord() : 'number'
    if (character === '.') return this.#mark('.')
    if (this.#isWord()) return this.#readWord()
    return this.#take(OPERATOR) === undefined ? 'unclear' : 'operator'
  }

  /** Skips white space and comments. False if a comment does not end, or holds what some servers execute. */
  #skipBlank(): boolean {
    const text = this.#text
    for (;;) {
      if (this.#take(BLANKS) !== undefined) continue
      if (!text.startsWith('/*', this.#at)) return true
      const third = text[this.#at + 2]
      // Executed, or not, by the version of the server: /*! of MySQL, /*M! of MariaDB.
      if (third === '!' || (third === 'M' && text[this.#at + 3] === '!')) return false
      const end = text.indexOf('*/', this.#at + 2)
      if (end === -1) return false
      this.#at = end + 2
    }
  }

  #readWord(): TokenKind {
    this.value = (this.#take(WORD) as string).toLowerCase()
    return 'word'
  }

  #isWord(): boolean {
    WORD.lastIndex = this.#at
    return WORD.test(this.#text)
  }

  /** `2fa` is a name; that it is read as a number and a name changes nothing that is asked here. */
  #isWordBehindNumber(): boolean {
    return this.#isWord()
  }

  #readQuoted(): TokenKind {
    const value = this.#readString('"', PLAIN_QUOTED)
    if (value === undefined) return 'unclear'
    // As a name it would end elsewhere: names know no escapes.
    if (value.includes('\\')) return 'unclear'
    this.value = value
    return 'quoted'
  }

  #readName(): TokenKind {
    let value = ''
    this.#at += 1
    for (;;) {
      value += this.#take(PLAIN_NAME) ?? ''
      if (this.#at >= this.#text.length) return 'unclear'
      this.#at += 1
      if (this.#text[this.#at] !== '`') break
      value += '`'
      this.#at += 1
    }
    this.value = value
    return 'name'
  }

  #readVariable(): TokenKind {
    this.value = (this.#take(VARIABLE) as string).toLowerCase()
    if (this.value !== '@' && this.value !== '@@') return 'variable'
    const next = this.#text[this.#at]
    if (next === '`') this.#readName()
    else if (next === "'" || next === '"') {
      if (this.#readString(next, next === "'" ? PLAIN_STRING : PLAIN_QUOTED) === undefined)
        return 'unclear'
    } else return 'unclear'
    return 'variable'
  }

  /** The text between the quotes as it stands there; undefined if it does not end. */
  #readString(quote: string, plain: RegExp): string | undefined {
    const text = this.#text
    const start = this.#at + 1
    this.#at = start
    for (;;) {
      this.#take(plain)
      if (this.#at >= text.length) return undefined
      if (text[this.#at] === '\\') this.#at += 2
      else if (text[this.#at + 1] === quote) this.#at += 2
      else {
        this.#at += 1
        return text.slice(start, this.#at - 1)
      }
    }
  }

  #mark(mark: string): TokenKind {
    this.value = mark
    this.#at += mark.length
    return 'mark'
  }

  #take(token: RegExp): string | undefined {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0]
    if (found === undefined || found === '') return undefined
    this.#at += found.length
    return found
  }
}
