import { type TokenKind, tokensOf } from './lexer.js'

const LONGEST = 4000
const TIGHT_BEFORE: ReadonlySet<string> = new Set([',', ')', '.', ';'])
const TIGHT_AFTER: ReadonlySet<string> = new Set(['(', '.'])
/** Before the bracket after one of these is a blank; after any other word it belongs to a function or a list of columns. */
const BEFORE_BRACKET: ReadonlySet<string> = new Set(
  'and as by exists from in not on or over select then using values when where'.split(' '),
)

/** The shape of a statement: without literals, comments and superfluous blanks, cut off where it is long. */
export function fingerprint(sql: string): string {
  let shape = ''
  let previous: { kind: TokenKind; text: string } = { kind: 'symbol', text: '' }
  for (const { kind, text } of tokensOf(sql)) {
    const shown =
      kind === 'string' || kind === 'blob' || kind === 'number' || kind === 'parameter' ? '?' : text
    const tight =
      shape === '' ||
      TIGHT_BEFORE.has(shown) ||
      TIGHT_AFTER.has(previous.text) ||
      (shown === '(' &&
        previous.kind === 'word' &&
        !BEFORE_BRACKET.has(previous.text.toLowerCase()))
    shape += tight ? shown : ` ${shown}`
    previous = { kind, text: shown }
    if (shape.length > LONGEST) return `${shape.slice(0, LONGEST)}…`
  }
  // `in (?, ?, ?)` has the shape of `in (?)`.
  return shape.replace(/\?(?:, \?)+/g, '?').replace(/;$/, '')
}
