/** Statements that leave nothing behind in the session, and begin no transaction. */
const PLAIN: ReadonlySet<string> = new Set([
  'select',
  'from',
  'values',
  'with',
  'insert',
  'update',
  'delete',
  'explain',
  'describe',
  'summarize',
  'show',
])
const READS: ReadonlySet<string> = new Set([
  'select',
  'from',
  'values',
  'explain',
  'describe',
  'summarize',
  'show',
])
const WRITES = /\b(?:insert|update|delete|merge|nextval)\b/i
const LEADING = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/
const LITERALS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$/g

/** True if a text is one statement that leaves nothing behind in the session. In doubt it is none. */
export function isPlain(sql: string): boolean {
  const bare = withoutLiterals(sql)
  return !/;\s*\S/.test(bare) && PLAIN.has(firstWord(bare))
}

/** True if a text plainly reads. In doubt it writes. */
export function plainlyReads(sql: string): boolean {
  const bare = withoutLiterals(sql)
  return !/;\s*\S/.test(bare) && READS.has(firstWord(bare)) && !WRITES.test(bare)
}

/** True if a text is one statement that ends a transaction by committing it. */
export function commits(sql: string): boolean {
  return /^(?:commit|end)$/.test(firstWord(withoutLiterals(sql)))
}

/** What a statement does to a transaction. */
export type TransactionVerb = 'begin' | 'commit' | 'rollback'

const VERBS: ReadonlyMap<string, TransactionVerb> = new Map([
  ['begin', 'begin'],
  ['start', 'begin'],
  ['commit', 'commit'],
  ['end', 'commit'],
  ['rollback', 'rollback'],
  ['abort', 'rollback'],
])

/** What a text of one statement does to a transaction, if it does anything to one. */
export function verbOf(sql: string): TransactionVerb | undefined {
  return VERBS.get(firstWord(withoutLiterals(sql)))
}

/** A statement's shape: without literals, comments and superfluous blanks. */
export function fingerprint(sql: string): string {
  const shape = sql
    .replace(LITERALS, (text) => (text.startsWith('"') ? text : /^['$]/.test(text) ? '?' : ' '))
    .replace(/\b\d[\w.]*|\$\w+/g, '?')
    .replace(/\s+/g, ' ')
    .trim()
  return shape.length > LONGEST_SHAPE ? `${shape.slice(0, LONGEST_SHAPE)}…` : shape
}

const LONGEST_SHAPE = 4000

function withoutLiterals(sql: string): string {
  return sql.replace(LITERALS, ' ').replace(LEADING, '')
}

function firstWord(sql: string): string {
  return (/^\(*\s*(\w+)/.exec(sql)?.[1] ?? '').toLowerCase()
}
