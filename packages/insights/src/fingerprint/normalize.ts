import { collapseConditions } from './conditions.js'
import type { Token } from './token.js'

/** A list in parentheses that stands for any number of its like. */
interface Group {
  readonly tokens: readonly Token[]
  /** Behind its closing parenthesis. */
  readonly end: number
}

const VALUE: Token = { type: 'value', text: '?' }
/** Where `null`, `true` and `false` are part of the grammar, not values. */
const BEFORE_KEPT_NULL = new Set(['is', 'not', 'set', 'unknown', 'json', 'on'])
/** After these a sign belongs to the number. */
const BEFORE_SIGN = new Set(
  'select where and or not in limit offset then else when between like ilike values set return returning by on from case having as'.split(
    ' ',
  ),
)
const SET_COMMANDS = new Set(['set', 'reset', 'show'])

/**
 * The canonical tokens of a statement: values as `?`, lists of values and rows, and alternatives that repeat one another,
 * collapsed to one.
 */
export function canonical(tokens: readonly Token[]): Token[] {
  return collapseConditions(collapseLists(foldValues(withoutEnd(tokens))))
}

function withoutEnd(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length
  while (end > 0 && tokens[end - 1]?.type === 'end') end -= 1
  return tokens.slice(0, end)
}

function foldValues(tokens: readonly Token[]): Token[] {
  const folded: Token[] = []
  // What SET and SHOW name are settings: `set x to on` sets a value all the same.
  const inSetCommand = SET_COMMANDS.has(tokens[0]?.text ?? '')
  let rowsOfValues = false
  for (const token of tokens) {
    const before = folded.at(-1)
    if (token.text === 'values' && token.type === 'word') rowsOfValues = true
    if (token.type === 'parameter') folded.push(VALUE)
    else if (token.number === true && isSign(before) && endsOperand(folded.at(-2)) === false) {
      folded.pop()
      folded.push(VALUE)
    } else if (token.type === 'value' && before?.type === 'value') {
      // Adjacent strings are one string.
    } else if (token.type === 'word' && isConstant(token.text, before, rowsOfValues)) {
      folded.push(inSetCommand ? token : VALUE)
    } else folded.push(token.type === 'value' ? VALUE : token)
  }
  return folded
}

function isSign(token: Token | undefined): boolean {
  return token?.type === 'operator' && (token.text === '-' || token.text === '+')
}

/** Whether a sign after this token is an operator between two operands. */
function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false
  if (token.type === 'word') return !BEFORE_SIGN.has(token.text)
  return token.type === 'name' || token.type === 'value' || token.type === 'close'
}

function isConstant(word: string, before: Token | undefined, rowsOfValues: boolean): boolean {
  if (word === 'default')
    return rowsOfValues && (before?.type === 'open' || before?.type === 'comma')
  if (word !== 'null' && word !== 'true' && word !== 'false') return false
  if (before?.type === 'dot') return false
  return !(before?.type === 'word' && BEFORE_KEPT_NULL.has(before.text))
}

function collapseLists(tokens: readonly Token[]): Token[] {
  const result: Token[] = []
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token
    const opener = token.type === 'word' ? token.text : ''
    const next = tokens[at + 1]
    if (opener === 'in' && next?.text === '(') {
      const { tokens: inner, end } = groupAt(tokens, at + 1)
      result.push(token, ...distinctItems(inner))
      at = end
    } else if (opener === 'array' && next?.text === '[') {
      const { tokens: inner, end } = groupAt(tokens, at + 1)
      result.push(token, ...distinctItems(inner))
      at = end
    } else if ((opener === 'values' || opener === 'value') && startsRow(tokens, at + 1)) {
      const { rows, end } = rowsAt(tokens, at + 1)
      result.push(token)
      for (const [index, row] of rows.entries())
        result.push(...(index === 0 ? [] : [COMMA]), ...row)
      at = end
    } else {
      result.push(token)
      at += 1
    }
  }
  return result
}

const COMMA: Token = { type: 'comma', text: ',' }

/** MySQL writes rows as `ROW(…)` too. */
function startsRow(tokens: readonly Token[], at: number): boolean {
  const first = tokens[at]?.text
  return first === '(' || (first === 'row' && tokens[at + 1]?.text === '(')
}

/** From an opening parenthesis to the one that closes it, both included. */
function groupAt(tokens: readonly Token[], start: number): Group {
  let depth = 0
  for (let at = start; at < tokens.length; at += 1) {
    const type = tokens[at]?.type
    if (type === 'open') depth += 1
    if (type === 'close') depth -= 1
    if (depth === 0) return { tokens: tokens.slice(start, at + 1), end: at + 1 }
  }
  return { tokens: tokens.slice(start), end: tokens.length }
}

/** The list with each item once, in the order of their first appearance. */
function distinctItems(list: readonly Token[]): Token[] {
  const [open, ...rest] = list
  const close = rest.at(-1)?.type === 'close' ? rest.pop() : undefined
  const items = distinct(split(collapseLists(rest), (token) => token.type === 'comma'))
  const joined = items.flatMap((item, index) => (index === 0 ? item : [COMMA, ...item]))
  return [open as Token, ...joined, ...(close === undefined ? [] : [close])]
}

function rowsAt(tokens: readonly Token[], start: number): { rows: Token[][]; end: number } {
  const rows: Token[][] = []
  let at = start
  for (;;) {
    const prefix = tokens[at]?.text === 'row' ? [tokens[at] as Token] : []
    const { tokens: row, end } = groupAt(tokens, at + prefix.length)
    rows.push([...prefix, ...collapseLists(row)])
    at = end
    if (tokens[at]?.type !== 'comma' || !startsRow(tokens, at + 1)) break
    at += 1
  }
  return { rows: distinct(rows), end: at }
}

/** Splits at the tokens of the outermost level that `divides` names. */
function split(tokens: readonly Token[], divides: (token: Token) => boolean): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.type === 'open') depth += 1
    if (token.type === 'close') depth -= 1
    if (depth === 0 && divides(token)) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

/** Each list once, in the order of their first appearance. */
function distinct(lists: readonly Token[][]): Token[][] {
  const seen = new Map<string, Token[]>()
  for (const list of lists) {
    const key = list.map(({ text }) => text).join(' ')
    if (!seen.has(key)) seen.set(key, list)
  }
  return [...seen.values()]
}
