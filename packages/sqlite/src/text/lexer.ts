/** What one token of SQL is. Blanks and comments are no tokens. */
export type TokenKind = 'word' | 'quoted' | 'string' | 'blob' | 'number' | 'parameter' | 'symbol'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Where it begins in the text. */
  readonly at: number
}

const BLANK = /\s/
const WORD_START = /[A-Za-z_\u0080-\uffff]/
const WORD = /[A-Za-z0-9_$\u0080-\uffff]/
const DIGIT = /[0-9]/
const NUMBER = /[0-9A-Za-z._]/

/**
 * Splits SQL into tokens, as SQLite does (https://www.sqlite.org/lang.html). What is not closed, such as a string, goes on
 * to the end of the text.
 */
export function* tokensOf(sql: string): Generator<Token> {
  let at = 0
  while (at < sql.length) {
    const next = skipBlanks(sql, at)
    if (next >= sql.length) return
    const token = tokenAt(sql, next)
    yield token
    at = token.at + token.text.length
  }
}

/** @returns where the next token begins */
function skipBlanks(sql: string, from: number): number {
  let at = from
  for (;;) {
    while (at < sql.length && BLANK.test(sql[at] as string)) at += 1
    if (sql.startsWith('--', at)) at = endAfter(sql, '\n', at + 2)
    else if (sql.startsWith('/*', at)) at = endAfter(sql, '*/', at + 2)
    else return at
  }
}

function tokenAt(sql: string, at: number): Token {
  const first = sql[at] as string
  const make = (kind: TokenKind, end: number): Token => ({ kind, text: sql.slice(at, end), at })
  if (first === "'") return make('string', endOfQuoted(sql, at, "'"))
  if (first === '"' || first === '`') return make('quoted', endOfQuoted(sql, at, first))
  if (first === '[') return make('quoted', endAfter(sql, ']', at + 1))
  if ((first === 'x' || first === 'X') && sql[at + 1] === "'")
    return make('blob', endOfQuoted(sql, at + 1, "'"))
  if (WORD_START.test(first)) return make('word', endWhile(sql, at, WORD))
  if (DIGIT.test(first) || (first === '.' && DIGIT.test(sql[at + 1] ?? '')))
    return make('number', endOfNumber(sql, at))
  if (first === '?') return make('parameter', endWhile(sql, at + 1, DIGIT))
  if (':@$#'.includes(first) && WORD.test(sql[at + 1] ?? ''))
    return make('parameter', endWhile(sql, at + 1, WORD))
  return make('symbol', at + 1)
}

function endOfQuoted(sql: string, at: number, quote: string): number {
  let end = at + 1
  while (end < sql.length) {
    if (sql[end] !== quote) end += 1
    else if (sql[end + 1] === quote) end += 2
    else return end + 1
  }
  return sql.length
}

function endOfNumber(sql: string, at: number): number {
  let end = endWhile(sql, at, NUMBER)
  // The sign of an exponent.
  while (
    /[eE]/.test(sql[end - 1] as string) &&
    /[+-]/.test(sql[end] ?? '') &&
    !/^0x/i.test(sql.slice(at, end))
  )
    end = endWhile(sql, end + 1, NUMBER)
  return end
}

function endWhile(sql: string, from: number, allowed: RegExp): number {
  let at = from
  while (at < sql.length && allowed.test(sql[at] as string)) at += 1
  return at
}

function endAfter(sql: string, what: string, from: number): number {
  const found = sql.indexOf(what, from)
  return found < 0 ? sql.length : found + what.length
}
