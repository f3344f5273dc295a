import { quotedAt } from './quoted.js'
import { isSecretName, isSecretParameter } from './secret-names.js'
import { HIDDEN } from './url-credentials.js'

/** A piece of a name, percent-encoded or escaped letters included; a longer name comes in several. */
const NAME = /(?:[\w.$]|-(?!-)|%(?:25){0,3}(?:[4-7][0-9a-f]|3\d|2[de])|\\u00[0-7][0-9a-f]){1,256}/gi
const CLOSING = `(?:\\\\{0,15}["'\`\\]]|%(?:25){0,3}(?:22|27|5d)){0,4}`
/** `name=`, `"name": `, `'name' => `, `name := `, `name%3D`. A colon that has another beside it is a cast. */
const ASSIGNED = new RegExp(
  `${CLOSING}\\s{0,32}(={1,3}>?\\s{0,32}|:=?(?!:)[^\\S\\n]{0,32}|%(?:25){0,3}3[da])`,
  'iy',
)
const BLANK = String.raw`(?:\s|\/\*[^*]{0,256}\*\/|--[^\n]{0,256}\n)`
/** `PASSWORD 'x'`, `SET name TO 'x'`, `name <> 'x'`, `PASSWORD('x')`: what follows is a literal, or else a sentence. */
const BEFORE_LITERAL = new RegExp(
  `["\`]?(?:${BLANK}{1,16}|(?=\\())(?:(?:to|by|as|like|ilike)\\s{1,16}|(?:<>|!=)\\s{0,16}|\\(\\s{0,16})?(?=(?:[enbx]|u&)?['"]|\\$\\w{0,63}\\$)`,
  'iy',
)
const FLAG = /\s{1,16}(?=[^\s-])/y
/** `SET name TO value` */
const TO = /\s{1,16}to\s{1,16}(?=[^\s'"$])/iy
const SET = /\bset\s{1,8}(?:session\s{1,8}|local\s{1,8})?$/i
/** `{ name: 'password', value: 'x' }`, `<add key="password" value="x">` */
const NAMED_BEFORE = /\b(?:name|key)["']?\s{0,8}[:=]\s{0,8}["']([\w.-]{1,64})["'],?\s{0,8}["']?$/i
const BRACED = /\{[^}]*\}(?=[\s;,"')]|$)/y
const ARGUMENT = /['"]\s{0,16},\s{0,16}(?=(?:[enbx]|u&)?'|\$\w{0,63}\$)/iy
const SECRET_KEY = /(?:api|access|secret|private|signing|encryption|shared)\s$/i
const PARSED = /(?:unexpected|illegal|unknown|expected)\s$/i
/** Headers whose value takes the whole line. */
const WHOLE_LINE = /(?:authorization|cookie)\W{0,8}$/i
/**
 * Values that are none, the `(using password: YES)` of a refused login, the braces of an object whose fields are looked at one
 * by one, and what is hidden already.
 */
const NO_SECRET =
  /(?:(?:null|undefined|true|false|none|\*\*\*)(?!\w)|(?:yes|no)(?=\))|\[(?:Function|Getter|Setter|Object|Array|Circular|object)[^\]\n]{0,80}\]|\{\s{0,32}(?:[}[]|$|["'][^"'\n]{0,64}["']\s{0,8}:|[\w$]{1,64}\s{0,8}:))/iy
const NUMBER = /-?\d{1,32}(?:\.\d{1,32})?(?=[,}\])\s]|$)/y
const AFTER_QUOTE = /[\s,;:)}\]>&]/

/** A text without the values that stand behind the names of secrets, in whichever notation. */
export function redactNamed(text: string): string {
  return new NamedSecrets(text).redact()
}

class NamedSecrets {
  readonly #text: string
  readonly #wholeUrl: boolean
  #result = ''
  #done = 0
  /** Quotes are counted up to here. */
  #counted = 0
  #singleQuotes = 0
  #doubleQuotes = 0

  constructor(text: string) {
    this.#text = text
    // In a text that is nothing but a URL a value reaches to the next parameter, spaces or not.
    this.#wholeUrl = /^\s{0,32}[a-z][a-z0-9+.-]{0,30}:\/\/[^\n]*$/i.test(text)
  }

  redact(): string {
    const text = this.#text
    let begin = 0
    let end = 0
    NAME.lastIndex = 0
    for (let found = NAME.exec(text); found !== null; found = NAME.exec(text)) {
      if (found.index !== end) begin = found.index
      end = NAME.lastIndex
      const secret = this.#secretAfter(begin, end)
      if (secret === undefined) continue
      if (secret.to > secret.from) {
        this.#result += text.slice(this.#done, secret.from) + HIDDEN
        this.#done = secret.to
      }
      NAME.lastIndex = Math.max(end, secret.to)
    }
    return this.#result + text.slice(this.#done)
  }

  #secretAfter(begin: number, end: number): Range | undefined {
    const name = this.#text.slice(Math.max(begin, end - 256), end)
    const assigned = matchAt(ASSIGNED, this.#text, end)
    if (assigned !== undefined) return this.#assigned(name, begin, end, assigned)
    if (this.#text[end] === '>') return this.#element(name, begin, end)
    const literal = matchAt(BEFORE_LITERAL, this.#text, end)
    if (literal !== undefined) {
      const identified =
        /^(?:by|as)$/i.test(name) && /\bidentified\b[^'";]{0,64}$/i.test(this.#before(begin, 80))
      return identified || this.#isSecret(name, begin) ? quotedAt(this.#text, literal) : undefined
    }
    const argument = matchAt(ARGUMENT, this.#text, end)
    if (argument !== undefined) {
      const setting = /\bset_config\s{0,16}\(\s{0,16}'$/i.test(this.#before(begin, 64))
      return setting && this.#isSecret(name, begin) ? quotedAt(this.#text, argument) : undefined
    }
    const isFlag = name.startsWith('-') && this.#before(begin, 1) === '-'
    const value = isFlag
      ? matchAt(FLAG, this.#text, end)
      : SET.test(this.#before(begin, 24))
        ? matchAt(TO, this.#text, end)
        : undefined
    return value === undefined ||
      !this.#isSecret(name, begin) ||
      matchAt(NO_SECRET, this.#text, value) !== undefined
      ? undefined
      : this.#value(value, isBlank)
  }

  #assigned(name: string, begin: number, end: number, value: number): Range | undefined {
    const operator = this.#text.slice(end, value)
    const colon = /:\s*$/.test(operator)
    if (
      colon
        ? !this.#isSecret(name, begin)
        : !(isSecretParameter(name) || this.#isSecret(name, begin))
    )
      return undefined
    const braced = colon ? undefined : matchAt(BRACED, this.#text, value)
    if (braced !== undefined) return { from: value + 1, to: braced - 1 }
    if (matchAt(NO_SECRET, this.#text, value) !== undefined) return undefined
    const quoted = quotedAt(this.#text, value)
    if (quoted !== undefined) return quoted
    if (colon) return this.#afterColon(name, value)
    // Encoded itself, it is part of a parameter.
    if (operator.includes('%')) return this.#value(value, (each) => each === '&' || isBlank(each))
    const before = this.#before(begin, 1)
    if (this.#wholeUrl && (before === '?' || before === '&'))
      return this.#value(value, (each) => each === '&')
    if (before === '?' || before === '&')
      return this.#value(value, (each) => each === '&' || isBlank(each))
    if (before === ';') return this.#value(value, (each) => each === ';' || isBlank(each))
    return this.#value(value, WHOLE_LINE.test(name) ? isLineBreak : isBlank)
  }

  #afterColon(name: string, value: number): Range | undefined {
    // A sentence.
    if (/^secrets$/i.test(name)) return undefined
    if (this.#text[value] === '[') return this.#value(value + 1, (each) => each === ']')
    const number = matchAt(NUMBER, this.#text, value)
    if (number !== undefined) return { from: value, to: number }
    const range = this.#value(value, WHOLE_LINE.test(name) ? isLineBreak : isBlank)
    return /[^\s,;:.(){}[\]]/.test(
      this.#text.slice(range.from, Math.min(range.to, range.from + 64)),
    )
      ? range
      : undefined
  }

  /** `<password>x</password>`, and not the `<password>` of a usage. */
  #element(name: string, begin: number, end: number): Range | undefined {
    if (this.#before(begin, 1) !== '<' || !this.#isSecret(name, begin)) return undefined
    const close = this.#text.indexOf('<', end)
    return this.#text[close + 1] === '/' ? { from: end + 1, to: close } : undefined
  }

  /** An unquoted value, to the first character that ends it, or to the quote around all of it. */
  #value(from: number, ends: (character: string) => boolean): Range {
    const text = this.#text
    const open = this.#openQuotes(from)
    let to = from
    for (; to < text.length; to += 1) {
      const each = text[to] as string
      if (each === '\\') to += 1
      else if (ends(each) || (open.includes(each) && closes(text, to))) break
    }
    return { from, to: Math.min(to, text.length) }
  }

  /** The quotes that stand open where a value begins; one of them may end it. */
  #openQuotes(at: number): string {
    for (; this.#counted < at; this.#counted += 1) {
      const each = this.#text[this.#counted]
      if (each === '"') this.#doubleQuotes += 1
      else if (each === "'") this.#singleQuotes += 1
    }
    return `${this.#doubleQuotes % 2 === 1 ? '"' : ''}${this.#singleQuotes % 2 === 1 ? "'" : ''}`
  }

  #before(begin: number, length: number): string {
    return this.#text.slice(Math.max(0, begin - length), begin)
  }

  /** Whether the name that begins here is a secret's: `api key` is, `primary key` and `Unexpected token` are not. */
  #isSecret(name: string, begin: number): boolean {
    const before = (): string => this.#before(begin, 16)
    if (/^value$/i.test(name)) {
      const named = NAMED_BEFORE.exec(this.#before(begin, 96))?.[1]
      return named !== undefined && isSecretName(named)
    }
    if (/\bset\s{1,8}password\s{1,8}for\s{1,8}$/i.test(this.#before(begin, 32))) return true
    if (/^key$/i.test(name)) return SECRET_KEY.test(before())
    if (/^token$/i.test(name) && PARSED.test(before())) return false
    return isSecretName(name)
  }
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Where a match of a sticky pattern ends that begins at `index`. */
function matchAt(pattern: RegExp, text: string, index: number): number | undefined {
  pattern.lastIndex = index
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function isBlank(character: string): boolean {
  return /\s/.test(character)
}

function isLineBreak(character: string): boolean {
  return character === '\n' || character === '\r'
}

function closes(text: string, quote: number): boolean {
  const after = text[quote + 1]
  return after === undefined || AFTER_QUOTE.test(after)
}
