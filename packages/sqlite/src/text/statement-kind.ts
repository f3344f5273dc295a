import { tokensOf } from './lexer.js'

/** What the text of one statement says. In doubt it writes, and alters the session. */
export interface StatementKind {
  /** It plainly reads, and would read the same on any connection to the database. */
  readonly reads: boolean
  /** It may change what the session keeps: a pragma, an attached database, something temporary. */
  readonly alters: boolean
  /** It begins, ends or marks a transaction. */
  readonly control: 'begin' | 'commit' | 'rollback' | 'savepoint' | undefined
}

const READS: ReadonlySet<string> = new Set(['select', 'values', 'explain', 'with'])
/** A statement that begins with `with` may go on with any of them, and none of them reads. */
const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'replace'])
/** Functions whose value depends on the connection, or that reach beyond the database. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'last_insert_rowid',
  'changes',
  'total_changes',
  'load_extension',
  'sqlite_temp_master',
  'sqlite_temp_schema',
  'temp',
])
/** Pragmas that change nothing in the session, whatever they are given. */
const HARMLESS_PRAGMAS: ReadonlySet<string> = new Set([
  'application_id',
  'collation_list',
  'compile_options',
  'data_version',
  'database_list',
  'foreign_key_check',
  'foreign_key_list',
  'freelist_count',
  'function_list',
  'incremental_vacuum',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'module_list',
  'optimize',
  'page_count',
  'pragma_list',
  'quick_check',
  'schema_version',
  'table_info',
  'table_list',
  'table_xinfo',
  'user_version',
  'wal_checkpoint',
])
const CONTROL: ReadonlyMap<string, StatementKind['control']> = new Map([
  ['begin', 'begin'],
  ['commit', 'commit'],
  ['end', 'commit'],
  ['rollback', 'rollback'],
  ['savepoint', 'savepoint'],
  ['release', 'savepoint'],
])

/** Texts of which the kind is remembered; an application has fewer. */
const MOST_REMEMBERED = 500
const LONGEST_REMEMBERED = 5000
const remembered = new Map<string, StatementKind>()

/** Judges the text of one statement. */
export function kindOf(sql: string): StatementKind {
  const known = remembered.get(sql)
  if (known !== undefined) return known
  const kind = judge(sql)
  if (sql.length > LONGEST_REMEMBERED) return kind
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(sql, kind)
  return kind
}

function judge(sql: string): StatementKind {
  const tokens = [...tokensOf(sql)]
  const words = tokens.map(({ kind, text }) => (kind === 'word' ? text.toLowerCase() : text))
  const [first = '', second = '', third = ''] = words
  const control = CONTROL.get(first)
  if (control !== undefined) {
    const toSavepoint = first === 'rollback' && (words.includes('to') || third === 'to')
    return { reads: false, alters: false, control: toSavepoint ? 'savepoint' : control }
  }
  const end = words.indexOf(';')
  const several = end >= 0 && end < words.length - 1
  if (several) return { reads: false, alters: true, control: undefined }
  if (first === 'pragma') return { reads: false, alters: pragmaAlters(words), control: undefined }
  const temporary = first === 'create' && (second === 'temp' || second === 'temporary')
  const alters = temporary || first === 'attach' || first === 'detach'
  // A quoted name may be one of the words that matter.
  const names = tokens.map(({ kind, text }) =>
    kind === 'quoted' ? text.slice(1, -1).toLowerCase() : kind === 'word' ? text.toLowerCase() : '',
  )
  const reads =
    READS.has(first) &&
    !words.some((each) => WRITES.has(each)) &&
    !names.some((each) => OF_CONNECTION.has(each))
  return { reads, alters, control: undefined }
}

function pragmaAlters(words: readonly string[]): boolean {
  // `pragma main.table_info(t)`
  const name = words[2] === '.' ? words[3] : words[1]
  if (name !== undefined && HARMLESS_PRAGMAS.has(name)) return false
  return words.includes('=') || words.includes('(')
}
