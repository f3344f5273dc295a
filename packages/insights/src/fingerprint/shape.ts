import type { StatementKind } from '../snapshot.js'
import type { Token } from './token.js'

/** What the collector must know of a statement beside its text. */
export interface StatementShape {
  readonly kind: StatementKind
  readonly tables: readonly string[]
  /**
   * A read of tables whose repetition is worth a verdict: not one that locks or skips rows, as a queue's, and not one of
   * catalogs alone.
   */
  readonly repeatable: boolean
}

const KINDS: Readonly<Record<string, StatementKind>> = {
  select: 'read',
  table: 'read',
  values: 'read',
  insert: 'insert',
  replace: 'insert',
  update: 'update',
  delete: 'delete',
  merge: 'merge',
  begin: 'transaction',
  start: 'transaction',
  commit: 'transaction',
  end: 'transaction',
  rollback: 'transaction',
  abort: 'transaction',
  savepoint: 'transaction',
  release: 'transaction',
  prepare: 'transaction',
  create: 'definition',
  alter: 'definition',
  drop: 'definition',
  truncate: 'definition',
  comment: 'definition',
  grant: 'definition',
  revoke: 'definition',
  set: 'session',
  reset: 'session',
  show: 'session',
  use: 'session',
  pragma: 'session',
  discard: 'session',
  listen: 'session',
  unlisten: 'session',
}
const WRITES = new Set(['insert', 'update', 'delete', 'merge'])
const BEFORE_TABLE = new Set(['from', 'join', 'into', 'update', 'table'])
const NO_TABLE = new Set(['select', 'lateral', 'only', 'unnest', 'values', 'set', 'where'])
const CATALOG = /^(?:pg_|information_schema\.|sqlite_|mysql\.|performance_schema\.)/
const MOST_TABLES = 12

/** Reads kind and tables off canonical tokens, without a grammar. */
export function shapeOf(tokens: readonly Token[]): StatementShape {
  const kind = kindOf(tokens)
  const tables = kind === 'transaction' || kind === 'session' ? [] : tablesOf(tokens)
  const locks = tokens.some(
    ({ text }, at) =>
      text === 'for' && ['update', 'share', 'no', 'key'].includes(tokens[at + 1]?.text ?? ''),
  )
  const repeatable = kind === 'read' && !locks && tables.some((table) => !CATALOG.test(table))
  return { kind, tables, repeatable }
}

function kindOf(tokens: readonly Token[]): StatementKind {
  let first = tokens.find(({ type }) => type !== 'open')
  if (first?.text === 'explain') first = undefined
  if (first?.text !== 'with') return KINDS[first?.type === 'word' ? first.text : ''] ?? 'other'
  // A common table expression may write; otherwise the statement is what follows it.
  let depth = 0
  for (const token of tokens) {
    if (token.type === 'open') depth += 1
    if (token.type === 'close') depth -= 1
    if (token.type === 'word' && WRITES.has(token.text)) return KINDS[token.text] as StatementKind
    if (depth === 0 && token.text === 'select') return 'read'
  }
  return 'read'
}

function tablesOf(tokens: readonly Token[]): string[] {
  const expressions = new Set<string>()
  const tables = new Set<string>()
  for (const [at, token] of tokens.entries()) {
    // `name AS (`: a common table expression, no table.
    if (token.text === 'as' && tokens[at + 1]?.text === '(')
      expressions.add(tokens[at - 1]?.text ?? '')
    if (token.type !== 'word' || !BEFORE_TABLE.has(token.text)) continue
    if (token.text === 'update' && at > 0 && tokens[at - 1]?.type === 'word') {
      // `for update`, `do update set`.
      if (tokens[at - 1]?.text !== ')') continue
    }
    const name = nameAt(tokens, at + 1)
    if (name !== undefined && tables.size < MOST_TABLES) tables.add(name)
  }
  return [...tables].filter((table) => !expressions.has(table))
}

function nameAt(tokens: readonly Token[], start: number): string | undefined {
  let at = start
  while (
    tokens[at]?.type === 'word' &&
    ['only', 'if', 'not', 'exists'].includes(tokens[at]?.text ?? '')
  )
    at += 1
  let name = ''
  for (; at < tokens.length; at += 2) {
    const token = tokens[at] as Token
    if (token.type !== 'name' && token.type !== 'word') break
    if (name === '' && token.type === 'word' && NO_TABLE.has(token.text)) return undefined
    name += token.text
    if (tokens[at + 1]?.type !== 'dot') {
      // A function that returns rows.
      return tokens[at + 1]?.text === '(' && tokens[start - 1]?.text !== 'into' ? undefined : name
    }
    name += '.'
  }
  return undefined
}
