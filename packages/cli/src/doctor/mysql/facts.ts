import type { Opened, Row, ServerRole } from '../../databases/opened.js'
import { numberIn, textIn } from '../columns.js'
import type { FactReader } from '../fact-reader.js'
import { lacks, PROCESS, withRights } from './rights.js'
import {
  type OpenTransaction,
  openTransactions,
  otherLockWaits,
  rowLockWaits,
  type WaitingSession,
} from './sessions.js'

/** What a server of MySQL or MariaDB tells. Undefined is what could not be read. */
export interface MysqlFacts {
  readonly product: 'MySQL' | 'MariaDB'
  readonly version: string | undefined
  readonly user: string | undefined
  readonly database: string | undefined
  readonly role: ServerRole | undefined
  /** Global variables that findings are made of, by their names in lower case. */
  readonly variables: ReadonlyMap<string, string>
  readonly status: ReadonlyMap<string, string>
  readonly sessions: readonly { readonly user: string; readonly sessions: number }[] | undefined
  /** Whether sessions of other accounts are counted. */
  readonly seesAll: boolean | undefined
  /** Whether the account may write on servers that are read-only. */
  readonly writesOnReplicas: boolean | undefined
  readonly tablesWithoutTransactions: readonly string[] | undefined
  readonly tablesWithoutKey: readonly string[] | undefined
  readonly duplicateIndexes:
    | readonly { readonly table: string; readonly index: string; readonly sameAs: string }[]
    | undefined
  /** Whether this server follows another, and how far behind it is. */
  readonly replica: { readonly running: boolean; readonly lagMs: number | undefined } | undefined
  /** Connections that this account may have at once; undefined for no limit of its own. */
  readonly accountLimit: number | undefined
  /** Of other sessions, the oldest first. */
  readonly transactions: readonly OpenTransaction[] | undefined
  readonly lockWaits: readonly WaitingSession[] | undefined
}

const VARIABLES = [
  'max_connections',
  'max_user_connections',
  'wait_timeout',
  'interactive_timeout',
  'innodb_lock_wait_timeout',
  'lock_wait_timeout',
  'max_execution_time',
  'max_statement_time',
  'idle_transaction_timeout',
  'read_only',
  'super_read_only',
  'gtid_mode',
  'gtid_strict_mode',
  'enforce_gtid_consistency',
  'log_bin',
  'sync_binlog',
  'innodb_flush_log_at_trx_commit',
  'sql_mode',
  'require_secure_transport',
]
const STATUS = [
  'Threads_connected',
  'Max_used_connections',
  'Connection_errors_max_connections',
  'Uptime',
  'Ssl_cipher',
  'Ssl_version',
]
const MOST = 50

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

/** Reads what a server tells, one thing after the other. */
export async function readMysqlFacts(opened: Opened, reader: FactReader): Promise<MysqlFacts> {
  const { query } = opened
  const [identity] =
    (await reader.read('version', () =>
      query('select version() as version, current_user() as user, database() as db'),
    )) ?? []
  const version = textIn(identity, 'version')
  const variables = await reader.read('variables', async () =>
    named(await query(`show global variables where variable_name in (${quoted(VARIABLES)})`)),
  )
  const status = await reader.read('status', async () =>
    named(await query(`show status where variable_name in (${quoted(STATUS)})`)),
  )
  const sessions = await reader.read('sessions', () => sessionsOf(query))
  const rights = await reader.read('rights of the role', () => globalRights(query))
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL'
  const user = textIn(identity, 'user')
  const transactions = await reader.read('open transactions', () =>
    withRights(user, () => openTransactions(query)),
  )
  const rowLocks = await reader.read('locks of rows', () =>
    withRights(user, () => rowLockWaits(query, product)),
  )
  const otherLocks = await reader.read('locks of tables', () => otherLockWaits(query))
  // The right may come with a role, that the grants of the account only name.
  const seesAll =
    transactions !== undefined ||
    (rights === undefined ? undefined : /\bPROCESS\b|ALL PRIVILEGES/i.test(rights))
  if (seesAll === false) reader.miss('sessions of other accounts', lacks(user, PROCESS))
  return {
    product,
    version: version || undefined,
    user: user || undefined,
    database: textIn(identity, 'db') || undefined,
    role: await reader.read('role of the server', () => opened.role()),
    variables: variables ?? new Map(),
    status: status ?? new Map(),
    sessions,
    seesAll,
    writesOnReplicas:
      rights === undefined
        ? undefined
        : /\bSUPER\b|READ[ _]ONLY ADMIN|CONNECTION_ADMIN|ALL PRIVILEGES/i.test(rights),
    tablesWithoutTransactions: await reader.read('engines of tables', async () =>
      names(await query(WITHOUT_TRANSACTIONS)),
    ),
    tablesWithoutKey: await reader.read('keys of tables', async () =>
      names(await query(WITHOUT_KEY)),
    ),
    duplicateIndexes: await reader.read('indexes', async () =>
      (await query(DUPLICATES)).map((row) => ({
        table: textIn(row, 'tbl'),
        index: textIn(row, 'idx'),
        sameAs: textIn(row, 'same_as'),
      })),
    ),
    replica: await reader.read('replication', () => withRights(user, () => replicaOf(query))),
    accountLimit: await reader.read('connections of the account', () => accountLimitOf(query)),
    transactions,
    // Without a right to see the others, none seen is not none.
    lockWaits:
      rowLocks === undefined && !otherLocks?.length
        ? undefined
        : [...(rowLocks ?? []), ...(otherLocks ?? [])],
  }
}

const OWN_TABLES = `t.table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys') and t.table_type = 'BASE TABLE'`
const WITHOUT_TRANSACTIONS = `select concat(t.table_schema, '.', t.table_name, ' (', t.engine, ')') as name
  from information_schema.tables t left join information_schema.engines e on e.engine = t.engine
  where ${OWN_TABLES} and e.transactions = 'NO' order by 1 limit ${MOST}`
const WITHOUT_KEY = `select concat(t.table_schema, '.', t.table_name) as name from information_schema.tables t
  where ${OWN_TABLES} and not exists (select 1 from information_schema.table_constraints c
    where c.table_schema = t.table_schema and c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY')
  order by 1 limit ${MOST}`
const INDEXES = `select table_schema, table_name, index_name, non_unique, index_type,
    group_concat(concat(column_name, coalesce(concat('(', sub_part, ')'), ''), coalesce(collation, '')) order by seq_in_index) as parts
  from information_schema.statistics
  where table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys') and column_name is not null
  group by table_schema, table_name, index_name, non_unique, index_type`
const DUPLICATES = `select concat(a.table_schema, '.', a.table_name) as tbl, a.index_name as idx, min(b.index_name) as same_as
  from (${INDEXES}) a join (${INDEXES}) b on b.table_schema = a.table_schema and b.table_name = a.table_name
    and b.parts = a.parts and b.index_type = a.index_type and b.index_name <> a.index_name
    and (b.non_unique < a.non_unique or (b.non_unique = a.non_unique and a.index_name <> 'PRIMARY'
      and (b.index_name = 'PRIMARY' or b.index_name < a.index_name)))
  group by 1, 2 order by 1, 2 limit ${MOST}`

type Ask = Opened['query']

const SYNTAX = 1064

async function sessionsOf(query: Ask): Promise<MysqlFacts['sessions']> {
  const rows = await query(
    `select coalesce(user, '') as account, count(*) as sessions from information_schema.processlist
     where id <> connection_id() and user not in ('system user', 'event_scheduler') group by 1 order by 2 desc, 1`,
  )
  return rows.map((row) => ({
    user: textIn(row, 'account'),
    sessions: numberIn(row, 'sessions') ?? 0,
  }))
}

/** What of the server, or of the account, bounds the connections of the account. */
async function accountLimitOf(query: Ask): Promise<number | undefined> {
  const [row] = await query('select @@session.max_user_connections as most')
  return numberIn(row, 'most') || undefined
}

/** The rights of the account that are of no one database. */
async function globalRights(query: Ask): Promise<string> {
  const rows = await query('show grants')
  return rows
    .map((row) => /^GRANT (.*) ON \*\.\*/i.exec(String(Object.values(row)[0]))?.[1] ?? '')
    .join(', ')
}

/** Servers know the one or the other word; what the account may not see is refused by both. */
async function replicaOf(query: Ask): Promise<MysqlFacts['replica']> {
  const rows = await query('show replica status').catch((error: { errno?: unknown }) => {
    if (error.errno !== SYNTAX) throw error
    return query('show slave status')
  })
  const [row] = rows
  if (row === undefined) return undefined
  const lag = numberIn(row, 'Seconds_Behind_Source') ?? numberIn(row, 'Seconds_Behind_Master')
  const running = (one: string, other: string): boolean =>
    /^yes$/i.test(textIn(row, one) || textIn(row, other))
  return {
    running:
      running('Replica_IO_Running', 'Slave_IO_Running') &&
      running('Replica_SQL_Running', 'Slave_SQL_Running'),
    lagMs: lag === undefined ? undefined : lag * 1000,
  }
}

function named(rows: readonly Row[]): Map<string, string> {
  return new Map(
    rows.map((row) => [textIn(row, 'Variable_name').toLowerCase(), textIn(row, 'Value')]),
  )
}

function names(rows: readonly Row[]): string[] {
  return rows.map((row) => textIn(row, 'name'))
}
