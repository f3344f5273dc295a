import type { Opened, Row } from '../../databases/opened.js'
import { numberIn, textIn } from '../columns.js'

/** A session of MySQL or MariaDB, as it is named in findings. */
export interface Session {
  readonly id: number
  readonly user: string
  readonly host: string
}

/** A session with an open transaction of InnoDB. */
export interface OpenTransaction extends Session {
  readonly openMs: number
  /** For how long it has run no statement; undefined while it runs one. */
  readonly idleMs: number | undefined
  readonly rowsChanged: number
}

/** A session that waits for a lock. */
export interface WaitingSession extends Session {
  readonly sinceMs: number
  /** What it waits for: a row of a table, or the definition of one. */
  readonly what: string
  /** Ids of sessions; empty if the server does not tell. */
  readonly blockedBy: readonly number[]
}

type Ask = Opened['query']

const MOST = 50

// Times of InnoDB and of the list of processes are in seconds, and InnoDB's lists may be a moment older: a session that has
// gone from the list of processes has ended, and one that waits for a lock does not sleep.
const TRANSACTIONS = `select t.trx_mysql_thread_id as id, coalesce(p.user, '') as user, coalesce(p.host, '') as host,
    timestampdiff(microsecond, t.trx_started, sysdate(6)) / 1000 as open_ms,
    if(p.command = 'Sleep' and t.trx_state <> 'LOCK WAIT', p.time * 1000, null) as idle_ms, t.trx_rows_modified as changed
  from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id
  where t.trx_mysql_thread_id not in (0, connection_id()) order by open_ms desc limit ${MOST}`

const WAITER = `w.trx_mysql_thread_id as id, coalesce(p.user, '') as user, coalesce(p.host, '') as host,
  timestampdiff(microsecond, w.trx_wait_started, sysdate(6)) / 1000 as since_ms, b.trx_mysql_thread_id as blocker`

const ROW_LOCKS = {
  MariaDB: `select ${WAITER}, l.lock_table as locked from information_schema.innodb_lock_waits as waits
    join information_schema.innodb_trx w on w.trx_id = waits.requesting_trx_id
    join information_schema.innodb_trx b on b.trx_id = waits.blocking_trx_id
    left join information_schema.innodb_locks l on l.lock_id = waits.requested_lock_id
    join information_schema.processlist p on p.id = w.trx_mysql_thread_id limit ${MOST}`,
  MySQL: `select ${WAITER}, concat('\`', l.object_schema, '\`.\`', l.object_name, '\`') as locked
    from performance_schema.data_lock_waits as waits
    join information_schema.innodb_trx w on w.trx_id = waits.requesting_engine_transaction_id
    join information_schema.innodb_trx b on b.trx_id = waits.blocking_engine_transaction_id
    left join performance_schema.data_locks l on l.engine = waits.engine and l.engine_lock_id = waits.requesting_engine_lock_id
    join information_schema.processlist p on p.id = w.trx_mysql_thread_id limit ${MOST}`,
} as const

const OTHER_LOCKS = `select id, coalesce(user, '') as user, coalesce(host, '') as host, time * 1000 as since_ms,
    lower(substring(state, length('Waiting for ') + 1)) as locked
  from information_schema.processlist where state like 'Waiting for %lock%' and id <> connection_id() limit ${MOST}`

/** Transactions that are open, the oldest first. Takes the right PROCESS. */
export async function openTransactions(query: Ask): Promise<OpenTransaction[]> {
  return (await query(TRANSACTIONS)).map((row) => ({
    ...sessionIn(row),
    openMs: numberIn(row, 'open_ms') ?? 0,
    idleMs: numberIn(row, 'idle_ms'),
    rowsChanged: numberIn(row, 'changed') ?? 0,
  }))
}

/** Sessions that wait for locks of rows, and for whom. Takes the right PROCESS; on MySQL, to read `performance_schema` too. */
export async function rowLockWaits(
  query: Ask,
  product: keyof typeof ROW_LOCKS,
): Promise<WaitingSession[]> {
  const waits = new Map<number, WaitingSession>()
  for (const row of await query(ROW_LOCKS[product])) {
    const session = sessionIn(row)
    const known = waits.get(session.id)
    waits.set(session.id, {
      ...session,
      sinceMs: Math.max(0, numberIn(row, 'since_ms') ?? 0),
      what: `a row of ${textIn(row, 'locked') || 'a table'}`,
      blockedBy: [...new Set([...(known?.blockedBy ?? []), numberIn(row, 'blocker') ?? 0])],
    })
  }
  return [...waits.values()]
}

/** Sessions that wait for other locks, such as of a table's definition; without PROCESS, those of the account. */
export async function otherLockWaits(query: Ask): Promise<WaitingSession[]> {
  return (await query(OTHER_LOCKS)).map((row) => ({
    ...sessionIn(row),
    sinceMs: numberIn(row, 'since_ms') ?? 0,
    what: `the ${textIn(row, 'locked')}`,
    blockedBy: [],
  }))
}

function sessionIn(row: Row): Session {
  return { id: numberIn(row, 'id') ?? 0, user: textIn(row, 'user'), host: textIn(row, 'host') }
}
