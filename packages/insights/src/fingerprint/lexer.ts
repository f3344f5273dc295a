import { isDigit, isSpace, isWordPart, isWordStart } from './characters.js'
import type { Dialect } from './dialect.js'
import { NUMBER, nameToken, PARAMETER, PUNCTUATION, type Token, VALUE } from './token.js'

/** A statement taken apart. */
export interface Lexed {
  readonly tokens: readonly Token[]
  /** What comments say, without their marks. */
  readonly comments: readonly string[]
  /** How many values the text carried. */
  readonly literals: number
}

const OPERATOR = '+-*/<>=~!@#%^&|`?:'

/** Takes a statement apart. Never throws: what is not closed reaches to the end. */
export function lex(text: string, dialect: Dialect): Lexed {
  return new Lexer(text, dialect).run()
}

class Lexer {
  readonly #text: string
  readonly #dialect: Dialect
  readonly #tokens: Token[] = []
  readonly #comments: string[] = []
  #literals = 0
  /** Within MySQL's comments whose content is run. */
  #executable = false
  #at = 0

  constructor(text: string, dialect: Dialect) {
    this.#text = text
    this.#dialect = dialect
  }

  run(): Lexed {
    while (this.#at < this.#text.length) this.#next()
    return { tokens: this.#tokens, comments: this.#comments, literals: this.#literals }
  }

  #next(): void {
    const text = this.#text
    const char = text[this.#at] as string
    const after = text[this.#at + 1] ?? ''
    if (isSpace(char)) this.#at += 1
    else if (this.#comment(char, after)) return
    else if (isDigit(char) || (char === '.' && isDigit(after) && !this.#followsName()))
      this.#number()
    else if (isWordStart(char)) this.#word()
    else if (char === "'") this.#string("'", this.#dialect.backslashEscapes)
    else if (char === '"') this.#doubleQuoted()
    else if (char === '`' && this.#dialect.backticks) this.#name('`', '`')
    else if (char === '[' && this.#dialect.bracketNames) this.#name('[', ']')
    else if (char === '$' && this.#dollar()) return
    else if (this.#placeholder(char, after)) return
    else if (PUNCTUATION[char] !== undefined) this.#push(PUNCTUATION[char], 1)
    else this.#operator()
  }

  #push(token: Token, length: number): void {
    this.#tokens.push(token)
    this.#at += length
  }

  #pushLiteral(token: Token, end: number): void {
    this.#literals += 1
    this.#tokens.push(token)
    this.#at = end
  }

  #followsName(): boolean {
    const before = this.#tokens.at(-1)?.type
    return before === 'name' || before === 'word' || before === 'close'
  }

  #comment(char: string, after: string): boolean {
    const { hashComments } = this.#dialect
    const isLine =
      (char === '-' &&
        after === '-' &&
        (!hashComments || isSpace(this.#text[this.#at + 2] ?? ' '))) ||
      (char === '#' && hashComments)
    if (isLine) {
      const end = indexOrEnd(this.#text, '\n', this.#at)
      this.#comments.push(this.#text.slice(this.#at + (char === '#' ? 1 : 2), end).trim())
      this.#at = end
      return true
    }
    if (this.#executable && char === '*' && after === '/') {
      this.#executable = false
      this.#at += 2
      return true
    }
    if (char !== '/' || after !== '*') return false
    // MySQL runs the content of /*! … */, with or without the version it is for, and MariaDB that of /*M! … */.
    const executable = hashComments && /^\/\*M?!\d*/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (executable) {
      this.#at += executable[0].length
      this.#executable = true
      return true
    }
    this.#blockComment()
    return true
  }

  #blockComment(): void {
    const start = this.#at
    let depth = 1
    let at = start + 2
    while (depth > 0) {
      const close = this.#text.indexOf('*/', at)
      if (close === -1) {
        at = this.#text.length
        break
      }
      const open = this.#dialect.nestedComments ? this.#text.indexOf('/*', at) : -1
      if (open !== -1 && open < close) {
        depth += 1
        at = open + 2
      } else {
        depth -= 1
        at = close + 2
      }
    }
    this.#comments.push(this.#text.slice(start + 2, depth === 0 ? at - 2 : at).trim())
    this.#at = at
  }

  #number(): void {
    const match =
      /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y
    match.lastIndex = this.#at
    const length = match.exec(this.#text)?.[0].length ?? 1
    this.#pushLiteral(NUMBER, this.#at + length)
  }

  #word(): void {
    const start = this.#at
    let end = start + 1
    while (end < this.#text.length && isWordPart(this.#text[end] as string)) end += 1
    const word = this.#text.slice(start, end)
    const quote = this.#text[end]
    const lower = word.toLowerCase()
    if (quote === "'" && this.#prefixesString(lower)) {
      this.#at = end
      this.#string("'", this.#dialect.backslashEscapes || lower === 'e')
      return
    }
    if (
      lower === 'u' &&
      quote === '&' &&
      (this.#text[end + 1] === "'" || this.#text[end + 1] === '"')
    ) {
      this.#at = end + 1
      if (this.#text[this.#at] === "'") this.#string("'", false)
      else this.#name('"', '"')
      return
    }
    this.#push({ type: 'word', text: lower }, word.length)
  }

  #prefixesString(lower: string): boolean {
    if (lower === 'b' || lower === 'x' || lower === 'n') return true
    if (lower === 'e') return this.#dialect.escapeStrings
    // MySQL's introducers of character sets: _utf8mb4'…'.
    return this.#dialect.hashComments && lower.startsWith('_')
  }

  #string(quote: string, backslashes: boolean): void {
    let at = this.#at + 1
    for (; at < this.#text.length; at += 1) {
      const char = this.#text[at]
      if (char === '\\' && backslashes) at += 1
      else if (char === quote) {
        if (this.#text[at + 1] !== quote) break
        at += 1
      }
    }
    this.#pushLiteral(VALUE, at + 1)
  }

  #doubleQuoted(): void {
    if (this.#dialect.doubleQuotedStrings) this.#string('"', this.#dialect.backslashEscapes)
    else this.#name('"', '"')
  }

  #name(open: string, close: string): void {
    let at = this.#at + open.length
    let name = ''
    for (; at < this.#text.length; at += 1) {
      const char = this.#text[at] as string
      if (char === close) {
        if (this.#text[at + 1] !== close || close === ']') break
        at += 1
      }
      name += char
    }
    this.#push(nameToken(name), at + 1 - this.#at)
  }

  /** A `$1`, a `$name`, or a string between dollar signs. */
  #dollar(): boolean {
    const rest = /\$(?:(\d+)|([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?(\$)?)/y
    rest.lastIndex = this.#at
    const match = rest.exec(this.#text)
    if (match === null) return false
    const [whole, digits, name, closed] = match
    if (digits !== undefined) {
      this.#push(PARAMETER, whole.length)
      return true
    }
    if (closed !== undefined && this.#dialect.dollarQuotes) {
      const end = this.#text.indexOf(whole, this.#at + whole.length)
      this.#pushLiteral(VALUE, end === -1 ? this.#text.length : end + whole.length)
      return true
    }
    if (name === undefined || !this.#dialect.placeholderMarks.includes('$')) return false
    this.#push(PARAMETER, name.length + 1)
    return true
  }

  #placeholder(char: string, after: string): boolean {
    const { placeholderMarks, questionMarks } = this.#dialect
    if (char === '?' && questionMarks) {
      let length = 1
      while (isDigit(this.#text[this.#at + length] ?? '')) length += 1
      this.#push(PARAMETER, length)
      return true
    }
    if (!placeholderMarks.includes(char) || !isWordStart(after)) return false
    let length = 2
    while (isWordPart(this.#text[this.#at + length] ?? ' ')) length += 1
    this.#push(PARAMETER, length)
    return true
  }

  #operator(): void {
    const start = this.#at
    let end = start
    while (end < this.#text.length && this.#continuesOperator(end, start)) end += 1
    if (end === start) end = start + 1
    this.#push({ type: 'operator', text: this.#text.slice(start, end) }, end - start)
  }

  #continuesOperator(at: number, start: number): boolean {
    const char = this.#text[at] as string
    const after = this.#text[at + 1]
    if (!OPERATOR.includes(char)) return false
    if ((char === '-' && after === '-') || (char === '/' && after === '*')) return false
    if (char === '?' && this.#dialect.questionMarks) return false
    if (char === '`' && this.#dialect.backticks) return false
    if (at === start) return true
    // `=-1`: a sign that ends an operator belongs to what follows, unless the operator has one of the characters below.
    if (char === '-' || char === '+') return /[~!@#%^&|`?]/.test(this.#text.slice(start, at))
    // MySQL: `=@variable`.
    if (char === '@' && this.#dialect.hashComments) return false
    // `=:name`, where that is a placeholder.
    return !(this.#dialect.placeholderMarks.includes(char) && isWordStart(after ?? ''))
  }
}

function indexOrEnd(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from)
  return index === -1 ? text.length : index
}
