import type { Catalog } from './catalog/catalog.js'
import { TextsByLength } from './text/same-text.js'
import { type StatementShape, statementOf, statementsOf } from './text/shape.js'

/** Statements that change nothing outside of their session; what they set up goes with it. */
const OF_THE_SESSION: ReadonlySet<string> = new Set([
  'begin',
  'start',
  'set',
  'reset',
  'show',
  'abort',
  'rollback',
  'savepoint',
  'release',
  'listen',
  'unlisten',
])
const READS: ReadonlySet<string> = new Set(['select', 'values', 'table', 'with'])
/**
 * What commits nothing before its end, so that the server's word that it was aborted holds for all of it. A function
 * cannot commit, and a procedure can be called by CALL and DO alone.
 */
const ATOMIC: ReadonlySet<string> = new Set([...READS, 'insert', 'update', 'delete', 'merge'])
/** What makes or alters no function, view, operator or type, so that a catalog that was read before still tells of all. */
const KEEPS_DEFINITIONS: ReadonlySet<string> = new Set([
  ...ATOMIC,
  ...OF_THE_SESSION,
  ...`analyze checkpoint close cluster comment commit copy deallocate declare discard drop end execute explain fetch
  grant lock move notify prepare refresh reindex revoke truncate vacuum`.split(/\s+/),
])

/** Of the tables of the catalog, which superusers may change, those that tell of code. */
const CATALOG =
  `pg_aggregate pg_amproc pg_attrdef pg_cast pg_class pg_constraint pg_depend pg_extension pg_index pg_inherits pg_language
  pg_operator pg_policy pg_proc pg_rewrite pg_trigger pg_type`.split(/\s+/)

/** This is asked of every text that is sent, and one that is long, such as many rows to insert, is seldom sent again. */
const SHORT = 2000
/** A keyword cannot be written in other letters, so without one of these a text changes nothing of the catalog. */
const NAMES_A_CHANGE = new RegExp(
  `\\b(?:create|alter|do|call|import|security|prepared|${CATALOG.join('|')})\\b`,
  'i',
)
const NAMING_CHANGES = new TextsByLength<boolean>()

/**
 * Whether a text shows plainly that it writes nothing that outlives its session: a single statement that reads, and
 * calls nothing that could write. What a name leads to only the catalog tells; without it, and in any other doubt, the
 * answer is no.
 */
export function isPlainRead(text: string, catalog?: Catalog): boolean {
  const statement = statementOf(text)
  if (statement === undefined) return false
  if (isOfTheSession(statement)) return true
  if (!READS.has(firstWord(statement)) || statement.changesRows || statement.selectsInto)
    return false
  return catalog?.agree((snapshot) => snapshot.onlyReads(statement)) ?? false
}

/**
 * Whether a text is one statement that commits nothing before its end, on the server itself: what it makes other
 * servers do, by a foreign table or dblink, may be committed there though it is undone here.
 */
export function isAtomic(text: string): boolean {
  const statement = statementOf(text)
  return statement !== undefined && ATOMIC.has(firstWord(statement))
}

/** Whether a text leaves nothing behind if it fails. */
export function leavesNothing(text: string): boolean {
  const statement = statementOf(text)
  if (statement === undefined) return false
  return (
    ATOMIC.has(firstWord(statement)) || isOfTheSession(statement) || endsByCommit(statement, false)
  )
}

/** Whether a text, sent inside a transaction, may have had that transaction committed, or another after it. */
export function mayCommitBlock(text: string): boolean {
  const statements = statementsOf(text)
  if (statements === undefined) return true
  if (statements.some((statement) => endsByCommit(statement, true))) return true
  // What follows the end of a transaction commits by itself.
  return statements.length > 1 && statements.some(endsByRollback)
}

/** A statement that ends a transaction, or a part of it. */
export type TransactionEnding = 'commit' | 'rollback' | 'rollback to'

/** The statements of a text that end a transaction, in order; none if that is not certain. */
export function transactionEndings(text: string): TransactionEnding[] {
  return (statementsOf(text) ?? []).flatMap((statement) => {
    if (endsByCommit(statement, false)) return 'commit'
    if (endsByRollback(statement)) return 'rollback'
    const [first, second] = statement.head
    return first === 'rollback' && second !== 'prepared' ? 'rollback to' : []
  })
}

/** Whether a text may change what names lead to: a function, a view, an operator, a type. In doubt it may. */
export function mayChangeCatalog(text: string): boolean {
  if (text.length > SHORT && !namesAChange(text)) return false
  const statements = statementsOf(text)
  return statements === undefined || statements.some(changesCatalog)
}

function namesAChange(text: string): boolean {
  const known = NAMING_CHANGES.get(text)
  if (known !== undefined) return known
  const names = NAMES_A_CHANGE.test(text)
  NAMING_CHANGES.set(text, names)
  return names
}

function changesCatalog(statement: StatementShape): boolean {
  const { changesRows, head, names } = statement
  const first = firstWord(statement)
  if (head[1] === 'prepared') return true
  if (!KEEPS_DEFINITIONS.has(first)) return !(first === 'create' && isTemporaryTable(head))
  return changesRows && CATALOG.some((name) => names.has(name))
}

function isTemporaryTable([, second, third]: readonly string[]): boolean {
  return (second === 'temp' || second === 'temporary') && third === 'table'
}

/** @param prepared whether the end of a prepared transaction counts as well */
function endsByCommit({ head: [first, second] }: StatementShape, prepared: boolean): boolean {
  if (second === 'prepared') return prepared && (first === 'commit' || first === 'rollback')
  return first === 'commit' || first === 'end' || (first === 'prepare' && second === 'transaction')
}

/** ROLLBACK TO a savepoint does not end the transaction. */
function endsByRollback({ head }: StatementShape): boolean {
  const [first, second, third] = head
  if (first === 'abort') return true
  return first === 'rollback' && second !== 'prepared' && second !== 'to' && third !== 'to'
}

function isOfTheSession({ head: [first = '', second] }: StatementShape): boolean {
  return OF_THE_SESSION.has(first) && second !== 'prepared'
}

function firstWord({ head }: StatementShape): string {
  return head[0] ?? ''
}
