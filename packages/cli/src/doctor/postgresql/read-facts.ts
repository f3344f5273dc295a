import { readSchemaFacts } from '@connmgr/insights'
import type { OpenedPostgresql, Row } from '../../databases/opened.js'
import { isTrue, numberIn, textIn } from '../columns.js'
import type { FactReader } from '../fact-reader.js'
import type { Plan } from '../plan.js'
import type { LateSession, LoginFacts, PostgresFacts } from './facts.js'
import { readPooler } from './pooler.js'
import { QUESTIONS, SETTINGS } from './questions.js'

/** Reads what a server tells, one thing after the other over one session. */
export async function readPostgresFacts(
  opened: OpenedPostgresql,
  reader: FactReader,
  plan: Plan,
): Promise<PostgresFacts> {
  const ask = <T>(
    what: string,
    question: keyof typeof QUESTIONS,
    make: (rows: Row[]) => T,
    values: readonly unknown[] = [],
  ): Promise<T | undefined> =>
    reader.read(what, async () => make(await opened.query(QUESTIONS[question], values)))

  const version = await ask('version', 'version', ([row]) => ({
    text: textIn(row, 'text').split(' ')[0] as string,
    number: numberIn(row, 'number') ?? 0,
  }))
  const login = await ask('rights of the role', 'login', ([row]) => loginOf(row))
  if (login?.seesAll === false)
    reader.miss(
      'what sessions of other roles do',
      `role "${login.user}" is no member of pg_read_all_stats; grant pg_monitor to it to see them`,
    )
  const role = await reader.read('role of the server', () => opened.role())
  const settings = await ask('settings', 'settings', settingsOf, [SETTINGS])
  const sessions = await ask('sessions', 'sessions', (rows) => rows.map(sessionsOf))
  const idleInTransaction = await ask(
    'sessions idle in a transaction',
    'idleInTransaction',
    (rows) => rows.map(lateSession),
    [plan.idleTransactionMs],
  )
  const blocked = await ask('sessions that wait for locks', 'blocked', lateSessions, [
    plan.idleTransactionMs,
  ])
  const onPrimary = role?.role === 'primary'
  const standbys = onPrimary ? await ask('standbys', 'standbys', standbysOf) : undefined
  const inactiveSlots = onPrimary ? await ask('replication slots', 'slots', slotsOf) : undefined
  const lagMs =
    role?.role === 'standby'
      ? await ask('lag', 'lag', ([row]) => numberIn(row, 'lag_ms'))
      : undefined
  const preparedTransactions = await ask('prepared transactions', 'prepared', (rows) =>
    rows.map((row) => ({ gid: textIn(row, 'gid'), sinceMs: numberIn(row, 'since_ms') ?? 0 })),
  )
  const ages = await ask('ages of the databases', 'ages', agesOf)
  const sequences = await ask('sequences', 'sequences', (rows) =>
    rows.map((row) => ({ sequence: textIn(row, 'sequence'), used: numberIn(row, 'used') ?? 0 })),
  )
  const statementsExtension = await ask('pg_stat_statements', 'statements', extensionState)
  const schema = await reader.read('indexes and foreign keys', () =>
    readSchemaFacts((text) => opened.query(text)),
  )
  const pooler = await reader.read('pooler', () => readPooler(opened))
  return {
    version,
    login,
    role,
    lagMs,
    settings: settings ?? new Map(),
    sessions,
    idleInTransaction,
    blocked,
    standbys,
    inactiveSlots,
    preparedTransactions,
    ages,
    sequences,
    statementsExtension,
    indexFaults: schema?.indexFaults,
    unindexedForeignKeys: schema?.unindexedForeignKeys,
    pooler,
  }
}

function loginOf(row: Row | undefined): LoginFacts {
  return {
    user: textIn(row, 'user'),
    database: textIn(row, 'database'),
    superuser: isTrue(row, 'superuser'),
    seesAll: isTrue(row, 'superuser') || isTrue(row, 'sees_all'),
    roleLimit: numberIn(row, 'role_limit'),
    databaseLimit: numberIn(row, 'database_limit'),
  }
}

function settingsOf(rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map((row) => [textIn(row, 'name'), textIn(row, 'value')]))
}

function sessionsOf(row: Row) {
  return {
    application: textIn(row, 'application'),
    user: textIn(row, 'user'),
    sessions: numberIn(row, 'sessions') ?? 0,
    active: numberIn(row, 'active') ?? 0,
    idleInTransaction: numberIn(row, 'idle_in_transaction') ?? 0,
  }
}

function lateSessions(rows: readonly Row[]): LateSession[] {
  return rows.map(lateSession)
}

function lateSession(row: Row): LateSession {
  const { blocked_by: blockedBy } = row
  return {
    processId: numberIn(row, 'pid') ?? 0,
    application: textIn(row, 'application'),
    user: textIn(row, 'user'),
    sinceMs: numberIn(row, 'since_ms') ?? 0,
    blockedBy: Array.isArray(blockedBy) ? blockedBy.map(Number) : [],
  }
}

function standbysOf(rows: readonly Row[]) {
  return rows.map((row) => ({
    application: textIn(row, 'application'),
    state: textIn(row, 'state'),
    syncState: textIn(row, 'sync_state'),
  }))
}

function slotsOf(rows: readonly Row[]) {
  return rows.map((row) => ({
    name: textIn(row, 'slot_name'),
    retainedBytes: numberIn(row, 'retained') ?? 0,
  }))
}

function agesOf(rows: readonly Row[]) {
  return rows.map((row) => ({
    database: textIn(row, 'database'),
    transactions: numberIn(row, 'transactions') ?? 0,
    multixacts: numberIn(row, 'multixacts') ?? 0,
  }))
}

function extensionState([row]: readonly Row[]): 'created' | 'available' | 'missing' {
  if (row === undefined) return 'missing'
  return isTrue(row, 'created') ? 'created' : 'available'
}
