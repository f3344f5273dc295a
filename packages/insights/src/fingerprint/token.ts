/** What a token is. */
type TokenType =
  | 'word'
  | 'name'
  | 'value'
  | 'parameter'
  | 'operator'
  | 'open'
  | 'close'
  | 'comma'
  | 'dot'
  | 'end'

/** A token in its canonical form: words in lower case, values and parameters as `?`, names quoted only where they must. */
export interface Token {
  readonly type: TokenType
  readonly text: string
  /** Of a value: whether it was a number. */
  readonly number?: boolean
}

const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/
/** Words that mean something else when they are not quoted. */
const RESERVED = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create cross ' +
    'current_date current_time current_timestamp current_user default deferrable delete desc distinct do else end except ' +
    'exists false fetch for foreign from full grant group having in initially inner insert intersect into is join key ' +
    'lateral leading left like limit localtime localtimestamp natural not null offset on only or order outer placing primary references ' +
    'returning right select session_user set some symmetric table then to trailing true union unique update user using ' +
    'values when where window with'
  ).split(' '),
)
export const VALUE: Token = { type: 'value', text: '?' }
export const NUMBER: Token = { type: 'value', text: '?', number: true }
export const PARAMETER: Token = { type: 'parameter', text: '?' }
export const PUNCTUATION: Readonly<Record<string, Token>> = {
  '(': { type: 'open', text: '(' },
  ')': { type: 'close', text: ')' },
  '[': { type: 'open', text: '[' },
  ']': { type: 'close', text: ']' },
  '{': { type: 'open', text: '{' },
  '}': { type: 'close', text: '}' },
  ',': { type: 'comma', text: ',' },
  '.': { type: 'dot', text: '.' },
  ';': { type: 'end', text: ';' },
}

/** A name, without quotes where it means the same without them. */
export function nameToken(name: string): Token {
  const plain = PLAIN_NAME.test(name) && !RESERVED.has(name)
  return { type: 'name', text: plain ? name : `"${name.replaceAll('"', '""')}"` }
}
