const SHAREABLE: ReadonlySet<string> = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'VALUES',
  'TABLE',
  'WITH',
])

/**
 * What outlives its statement in the session, or tells of that, or strikes at sessions, by the names that PostgreSQL and
 * its own extensions give it: settings, seeds, sequences last used, advisory locks, temporary things, backups,
 * replication, dblink, and the ends of sessions.
 */
const OF_THE_SESSION = new RegExp(
  [
    'set_config',
    'setseed',
    'set_limit',
    'currval',
    'lastval',
    'pg_(?:try_)?advisory_(?:un)?lock',
    'pg_temp',
    'temp_schema',
    'into\\s+(?:local\\s+|global\\s+)?temp(?:orary)?\\b',
    'pg_(?:prepared_statement|cursor|listening_channels)',
    'pg_(?:cancel|terminate)_backend',
    'pg_(?:backup_st|st(?:art|op)_backup)',
    'replication_(?:slot|origin)',
    'dblink',
  ].join('|'),
  'i',
)

/** A long text takes long to look through, and is no short query. */
const LONGEST = 10_000

/**
 * Whether a text is one statement that may run between those of others: one that reads or changes rows, and whose text
 * shows no use of the session. What a function does that it calls cannot be seen. In doubt the answer is no.
 */
export function isShareable(text: string): boolean {
  if (text.length > LONGEST) return false
  if (!SHAREABLE.has(firstWord(text))) return false
  // A semicolon anywhere but at the end may begin another statement; one inside a literal costs no more than sharing.
  const semicolon = text.indexOf(';')
  if (semicolon !== -1 && text.slice(semicolon).trim() !== ';') return false
  return !OF_THE_SESSION.test(text)
}

/** The first keyword of a statement in capitals, behind white space, comments and parentheses. */
function firstWord(text: string): string {
  let at = 0
  while (at < text.length) {
    const character = text[at] as string
    if (character === '(' || /\s/.test(character)) at += 1
    else if (text.startsWith('--', at)) at = endOfLine(text, at)
    else if (text.startsWith('/*', at)) at = endOfComment(text, at)
    else break
  }
  const end = text.slice(at).search(/[^a-z]/i)
  return text.slice(at, end === -1 ? undefined : at + end).toUpperCase()
}

function endOfLine(text: string, from: number): number {
  const end = text.slice(from).search(/[\r\n]/)
  return end === -1 ? text.length : from + end
}

/** PostgreSQL nests them. */
function endOfComment(text: string, from: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = from
  let depth = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return text.length
}
