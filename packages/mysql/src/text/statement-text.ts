import { KNOWN_NAMES } from './known-names.js'
import { type StatementShape, statementOf, statementsOf } from './shape.js'

const READS: ReadonlySet<string> = new Set([
  'select',
  'values',
  'table',
  'with',
  'show',
  'desc',
  'describe',
  'explain',
])
const WRITES_ROWS: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'replace'])
/** What changes nothing outside of its session. */
const OF_THE_SESSION: ReadonlySet<string> = new Set(['use', 'savepoint', 'release', 'rollback'])
/** What a transaction may hold and still be open: anything else may commit it, as all DDL does. */
const KEEPS_TRANSACTION: ReadonlySet<string> = new Set([
  ...READS,
  ...WRITES_ROWS,
  'use',
  'savepoint',
  'release',
  'handler',
  'do',
  'execute',
  'prepare',
  'deallocate',
  'kill',
])
/** Functions of the server itself that leave something in the session. */
const LOCKS: ReadonlySet<string> = new Set(['get_lock', 'release_lock', 'release_all_locks'])
const LOCKING_READS: ReadonlySet<string> = new Set(['update', 'share'])

/**
 * Whether a text shows plainly that it writes nothing that outlives its session: a single statement that reads, and calls
 * nothing that could write. A stored function could, so what the server does not define itself is in doubt; in doubt the
 * answer is no.
 */
export function isPlainRead(text: string): boolean {
  const statement = statementOf(text)
  if (statement === undefined) return false
  if (isOfTheSession(statement)) return true
  if (!READS.has(first(statement)) || statement.selectsInto) return false
  return !hasWriteWord(statement) && !callsUnknown(statement)
}

/** Whether a text is one statement that a server of transactional tables commits as a whole or not at all. */
export function isAtomic(text: string): boolean {
  const statement = statementOf(text)
  if (statement === undefined) return false
  return (
    WRITES_ROWS.has(first(statement)) || (READS.has(first(statement)) && !statement.selectsInto)
  )
}

/** Whether a text leaves nothing behind in transactional tables if the server refuses it. */
export function leavesNothing(text: string): boolean {
  const statement = statementOf(text)
  if (statement === undefined) return false
  return isAtomic(text) || isOfTheSession(statement) || endingOf(statement) === 'commit'
}

/**
 * Whether a text, sent inside a transaction, may have had that committed: by COMMIT, or as all DDL and BEGIN do it, without
 * a word.
 */
export function mayCommitBlock(text: string): boolean {
  const statements = statementsOf(text)
  if (statements === undefined) return true
  if (statements.some(commits)) return true
  // What follows the end of a transaction commits by itself.
  return statements.length > 1 && statements.some((each) => endingOf(each) === 'rollback')
}

/** A statement that begins or ends a transaction. */
export type TransactionVerb = 'begin' | 'commit' | 'rollback'

/** What the one statement of a text does to the transaction; undefined if nothing, or if that is not plain. */
export function verbOf(text: string): TransactionVerb | undefined {
  const statement = statementOf(text)
  if (statement === undefined) return undefined
  return begins(statement) ? 'begin' : endingOf(statement)
}

/** They run statements that the text does not show. */
const OPAQUE: ReadonlySet<string> = new Set([
  'call',
  'execute',
  'begin',
  'declare',
  'if',
  'case',
  'loop',
  'repeat',
  'while',
  'for',
  'end',
])

/** How a text that is no plain COMMIT or ROLLBACK has ended a transaction: DDL commits, and a procedure may do either. */
export function hiddenEndOf(text: string | undefined): 'commit' | 'rollback' | 'unknown' {
  const statements = text === undefined ? undefined : statementsOf(text)
  if (statements === undefined) return 'unknown'
  if (statements.some((each) => endingOf(each) === 'rollback')) return 'rollback'
  const shows = (each: StatementShape): boolean => begins(each) || !OPAQUE.has(first(each))
  return statements.every(shows) ? 'commit' : 'unknown'
}

/** What does not begin a transaction, whether or not it succeeds. */
const BEGINS_NOTHING: ReadonlySet<string> = new Set([
  ...READS,
  ...WRITES_ROWS,
  'use',
  'create',
  'drop',
  'alter',
  'truncate',
])

/** Whether a text may have begun a transaction by the time it fails: as a procedure may, or one of several statements. */
export function mayBegin(text: string): boolean {
  const statement = statementOf(text)
  return statement === undefined || !BEGINS_NOTHING.has(first(statement))
}

/** What one text may leave in its session. */
export interface SessionEffects {
  readonly changes: boolean
  /** Locks by GET_LOCK. */
  readonly locks: boolean
  /** Another database. */
  readonly database: boolean
  /** It asks for transactions that only read. */
  readonly readOnly: boolean
}

const NO_EFFECTS: SessionEffects = {
  changes: false,
  locks: false,
  database: false,
  readOnly: false,
}
const ANY_EFFECTS: SessionEffects = { changes: true, locks: true, database: true, readOnly: false }

/**
 * What a text may leave in its session for the next borrower: variables, locks, temporary tables, prepared statements,
 * another database. In doubt it does.
 */
export function sessionEffectsOf(text: string | undefined): SessionEffects {
  const statements = text === undefined ? undefined : statementsOf(text)
  if (statements === undefined) return ANY_EFFECTS
  if (statements.length === 1) return effectsOf(statements[0] as StatementShape)
  const all = statements.map(effectsOf)
  const some = (name: keyof SessionEffects): boolean => all.some((each) => each[name])
  return {
    changes: some('changes'),
    locks: some('locks'),
    database: some('database'),
    readOnly: some('readOnly'),
  }
}

function effectsOf(statement: StatementShape): SessionEffects {
  const locks = callsLock(statement)
  const readOnly = asksForReadOnly(statement)
  const verb = first(statement)
  const changes = locks || statement.assigns || changesSession(statement)
  if (!changes && !readOnly) return NO_EFFECTS
  const opaque = verb === 'call' || verb === 'execute' || callsUnknown(statement)
  return { changes, locks: locks || opaque, database: verb === 'use' || opaque, readOnly }
}

function changesSession(statement: StatementShape): boolean {
  const [verb = '', second] = statement.head
  switch (verb) {
    case 'select':
    case 'with':
    case 'values':
    case 'table':
      return (statement.selectsInto && statement.variables.size > 0) || callsUnknown(statement)
    case 'insert':
    case 'update':
    case 'delete':
    case 'replace':
      return callsUnknown(statement)
    case 'begin':
    case 'start':
    case 'commit':
    case 'rollback':
    case 'savepoint':
    case 'release':
    case 'show':
    case 'desc':
    case 'describe':
    case 'explain':
    case 'truncate':
    case 'analyze':
    case 'optimize':
    case 'rename':
    case 'grant':
    case 'revoke':
    case 'kill':
      return false
    case 'create':
    case 'drop':
    case 'alter':
      return second === 'temporary' || statement.words.has('temporary')
    default:
      return true
  }
}

function commits(statement: StatementShape): boolean {
  const [verb = '', second] = statement.head
  if (endingOf(statement) === 'rollback' || isRollbackToSavepoint(statement)) return false
  // SET autocommit = 1 commits; what stands behind SET may also be a password or something of the server.
  if (verb === 'set') return !isPlainSet(statement)
  if (verb === 'execute') return true
  if ((verb === 'create' || verb === 'drop') && second === 'temporary') return false
  return !KEEPS_TRANSACTION.has(verb)
}

function isOfTheSession(statement: StatementShape): boolean {
  const verb = first(statement)
  return OF_THE_SESSION.has(verb) || begins(statement) || (verb === 'set' && isPlainSet(statement))
}

/** Sets variables of the session or of the user, and no others. */
function isPlainSet(statement: StatementShape): boolean {
  const second = statement.head[1]
  if (second === 'transaction' || second === 'names') return true
  if (callsUnknown(statement)) return false
  const { words, variables } = statement
  for (const word of [
    'global',
    'persist',
    'persist_only',
    'password',
    'autocommit',
    'role',
    'statement',
    'default',
    'resource',
  ])
    if (words.has(word)) return false
  for (const name of variables)
    if (/^@@(?:global|persist|persist_only)\.|autocommit$/.test(name)) return false
  return !callsUnknown(statement)
}

function begins({ head: [verb, second] }: StatementShape): boolean {
  return (
    (verb === 'start' && second === 'transaction') ||
    // BEGIN NOT ATOMIC is a block of statements, in MariaDB.
    (verb === 'begin' && (second === undefined || second === 'work'))
  )
}

/** COMMIT AND CHAIN ends one transaction and begins the next, which is none of the caller's that is known here. */
function endingOf({
  head: [verb, second, third],
}: StatementShape): 'commit' | 'rollback' | undefined {
  if (verb === 'commit') return 'commit'
  if (verb !== 'rollback' || second === 'to' || third === 'to') return undefined
  return 'rollback'
}

function isRollbackToSavepoint({ head: [verb, second, third] }: StatementShape): boolean {
  return verb === 'rollback' && (second === 'to' || third === 'to')
}

function hasWriteWord(statement: StatementShape): boolean {
  if (callsLock(statement)) return true
  for (const verb of WRITES_ROWS) {
    if (!statement.words.has(verb) || LOCKING_READS.has(verb)) continue
    // REPLACE and INSERT are functions as well.
    if ((verb === 'replace' || verb === 'insert') && statement.calls.has(verb)) continue
    return true
  }
  // FOR UPDATE locks rows; UPDATE behind WITH changes them.
  if (statement.words.has('update') && !statement.words.has('for')) return true
  return first(statement) === 'with' && statement.words.has('update')
}

function asksForReadOnly({ head, words, variables }: StatementShape): boolean {
  const [verb] = head
  if (verb !== 'set' && verb !== 'start') return false
  if (words.has('read') && words.has('only')) return true
  const isSwitch = (name: string): boolean => /(?:^|\.|@)(?:tx|transaction)_read_only$/.test(name)
  return [...words].some(isSwitch) || [...variables].some(isSwitch)
}

function callsLock({ calls }: StatementShape): boolean {
  for (const name of LOCKS) if (calls.has(name)) return true
  return false
}

function callsUnknown({ calls, head }: StatementShape): boolean {
  if (calls.size === 0) return false
  const tables = head[0] === 'insert' || head[0] === 'replace'
  let unknown = 0
  for (const name of calls) if (!KNOWN_NAMES.has(name) && !LOCKS.has(name)) unknown += 1
  // The table of an INSERT without INTO stands before its columns.
  return unknown > (tables && !head.includes('into') ? 1 : 0)
}

function first({ head }: StatementShape): string {
  return head[0] ?? ''
}
