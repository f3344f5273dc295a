import { isOfMariadb, type ProbeClient } from './probe-client.js'

/** One session that waits for one that blocks it, as a server tells of it. */
export interface LockWait {
  readonly waiter: number
  readonly blocker: number
  readonly state: string | null
  readonly application: string | null
  readonly query: string | null
  readonly waitedMs: number
  readonly lockType: string | null
  readonly relation: string | null
}

/** Asks who blocks the sessions of `processes`, by the server's numbers of sessions. */
type LockQuestion = (
  client: ProbeClient,
  processes: readonly number[],
) => Promise<readonly LockWait[]>

/** PostgreSQL 9.6 on. */
const POSTGRESQL = `
select w.pid as waiter, b.pid as blocker, b.state, b.application_name as application, b.query,
  extract(epoch from clock_timestamp() - w.query_start)::float8 * 1000 as "waitedMs",
  l.locktype as "lockType", coalesce(l.relation, t.relation)::regclass::text as relation
from unnest($1::int[]) as ours(pid)
join pg_catalog.pg_stat_activity w on w.pid = ours.pid and w.wait_event_type = 'Lock'
cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as blocking(pid)
join pg_catalog.pg_stat_activity b on b.pid = blocking.pid
left join lateral (select * from pg_catalog.pg_locks where pid = w.pid and not granted limit 1) l on true
left join lateral (
  select relation from pg_catalog.pg_locks where pid = w.pid and locktype = 'tuple' limit 1
) t on l.relation is null`

// A session that is idle within a transaction sleeps, which is what most blockers do. The server's clock of waits has seconds.
const OF_INNODB = `
select w.trx_mysql_thread_id as waiter, b.trx_mysql_thread_id as blocker,
  if(p.command = 'Sleep', 'idle in transaction', 'active') as state,
  concat(p.user, '@', p.host) as application, p.info as query,
  timestampdiff(microsecond, w.trx_wait_started, sysdate(6)) / 1000 as waitedMs`

/** MariaDB, and MySQL up to 5.7. */
const MARIADB = `${OF_INNODB},
  lower(l.lock_type) as lockType, l.lock_table as relation
from information_schema.innodb_lock_waits as waits
join information_schema.innodb_trx as w on w.trx_id = waits.requesting_trx_id
join information_schema.innodb_trx as b on b.trx_id = waits.blocking_trx_id
join information_schema.innodb_locks as l on l.lock_id = waits.requested_lock_id
left join information_schema.processlist as p on p.id = b.trx_mysql_thread_id
where w.trx_mysql_thread_id in (?)`

/** MySQL 8. */
const MYSQL = `${OF_INNODB},
  lower(l.lock_type) as lockType, concat('\`', l.object_schema, '\`.\`', l.object_name, '\`') as relation
from performance_schema.data_lock_waits as waits
join information_schema.innodb_trx as w on w.trx_id = waits.requesting_engine_transaction_id
join information_schema.innodb_trx as b on b.trx_id = waits.blocking_engine_transaction_id
join performance_schema.data_locks as l
  on l.engine = waits.engine and l.engine_lock_id = waits.requesting_engine_lock_id
left join information_schema.processlist as p on p.id = b.trx_mysql_thread_id
where w.trx_mysql_thread_id in (?)`

const QUESTIONS: Readonly<Record<string, LockQuestion>> = {
  postgresql: async (client, processes) =>
    (await client.query(POSTGRESQL, [processes])).rows as readonly LockWait[],

  mysql: async (client, processes) => {
    const question = (await isOfMariadb(client)) ? MARIADB : MYSQL
    const { rows } = await client.query(question, [processes])
    return (rows as readonly LockWait[]).map((row) => ({
      ...row,
      waiter: Number(row.waiter),
      blocker: Number(row.blocker),
      waitedMs: Number(row.waitedMs),
      relation: row.relation?.replace(/^`(?:[^`]|``)*`\./, '') ?? null,
    }))
  },
}

/** Undefined for a database that cannot say who blocks whom. @param database a driver's name */
export function lockQuestionOf(database: string | undefined): LockQuestion | undefined {
  return database === undefined ? undefined : QUESTIONS[database]
}
