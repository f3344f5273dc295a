import { Lexer } from './lexer.js'

/** Stands for a literal. */
const LITERAL = '?'
/** Stands for all that follows where a text is unclear. */
const CUT = '…'

const LIST = [LITERAL, ',', LITERAL]
const ROWS = ['(', LITERAL, ')', ',', '(', LITERAL, ')']
/** What may stand before the sign of a number; after anything else it adds or subtracts. */
const BEFORE_SIGN =
  /^(?:[(,=<>*/%|;[+-]|select|values?|limit|offset|and|or|when|then|else|between|by|return|interval)$/i

interface Token {
  readonly text: string
  /** Blanks or a comment stand before it. */
  readonly apart: boolean
}

/**
 * The shape of a statement: its text with `?` for literals, parameters, and lists of them, without comments and with
 * single blanks, so that statements which differ in their values alone are the same. Where it is unclear what a text
 * means, as in a literal without an end, it is cut off, with `…`, and never shows a value.
 */
export function fingerprint(text: string): string {
  const lexer = new Lexer(text)
  const shape: Token[] = []
  let end = 0
  for (;;) {
    const kind = lexer.next()
    if (kind === 'end') break
    const apart = lexer.start > end
    const token = text.slice(lexer.start, lexer.offset)
    end = lexer.offset
    // With NO_BACKSLASH_ESCAPES a literal would end there.
    if (
      kind === 'unclear' ||
      ((kind === 'string' || kind === 'variable') && /\\['"]/.test(token))
    ) {
      shape.push({ text: CUT, apart })
      break
    }
    // In double quotes stands a name with ANSI_QUOTES, and else a value.
    if (kind === 'string' || kind === 'number' || kind === 'parameter' || kind === 'quoted')
      addLiteral(shape, apart)
    else {
      shape.push({ text: token, apart })
      if (token === ')') keepFirst(shape, ROWS, 3)
    }
  }
  return shape
    .map(({ apart, text: each }, index) => (apart && index > 0 ? ` ${each}` : each))
    .join('')
}

function addLiteral(shape: Token[], apart: boolean): void {
  let own = apart
  const sign = shape.at(-1)
  if (sign !== undefined && (sign.text === '-' || sign.text === '+')) {
    const before = shape.at(-2)?.text
    if (before === undefined || BEFORE_SIGN.test(before)) {
      shape.pop()
      own = sign.apart
    }
  }
  shape.push({ text: LITERAL, apart: own })
  // Lists of any length, and any number of rows, are one shape.
  keepFirst(shape, LIST, 1)
}

/** If the shape ends with these tokens, keeps the first of them. */
function keepFirst(shape: Token[], tokens: readonly string[], kept: number): void {
  const start = shape.length - tokens.length
  if (start < 0 || !tokens.every((each, index) => shape[start + index]?.text === each)) return
  shape.length = start + kept
}
