import { type QueryRows, Row, rowsOf } from './query-rows.js'
import type { ExtensionState, ServerFacts, ServerTimeouts } from './server-facts.js'

const SETTINGS = [
  'max_connections',
  'superuser_reserved_connections',
  'reserved_connections',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'statement_timeout',
  'lock_timeout',
  'transaction_timeout',
  'tcp_keepalives_idle',
]

// `pg_stat_database` counts sessions of all roles, where `pg_stat_activity` shows a plain role its own alone.
const FACTS = `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
  pg_backend_pid() as pid, pg_is_in_recovery() as recovering,
  (select json_object_agg(name, json_build_array(setting, unit)) from pg_catalog.pg_settings
    where name in (${SETTINGS.map((name) => `'${name}'`).join(', ')})) as settings,
  (select sum(numbackends) from pg_catalog.pg_stat_database) as used,
  (select datconnlimit from pg_catalog.pg_database where datname = current_database()) as database_limit,
  rolconnlimit as role_limit, rolsuper as superuser,
  pg_has_role('pg_read_all_stats', 'usage') as reads_stats,
  (select count(*) from pg_catalog.pg_stat_activity where usename = current_user
    and state like 'idle in transaction%' and state_change < now() - interval '5 seconds') as idle_in_transaction,
  (select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()) as encrypted,
  (select json_object_agg(name, installed_version is not null) from pg_catalog.pg_available_extensions
    where name in ('pg_stat_statements', 'hypopg')) as extensions
from pg_catalog.pg_roles where rolname = current_user`

/** PostgreSQL shows 0 where a timeout is off. */
export async function readPostgresFacts(
  query: QueryRows,
  processId: number | undefined,
): Promise<ServerFacts> {
  const [row = new Row(undefined)] = await rowsOf(query, FACTS)
  const [again = new Row(undefined)] = await rowsOf(query, 'select pg_backend_pid() as pid')
  const settings = row.json('settings') as Record<string, readonly [string, string | null]>
  const number = (name: string): number => Number(settings[name]?.[0] ?? 0)
  const maxConnections = number('max_connections')
  const reservedConnections =
    number('superuser_reserved_connections') + number('reserved_connections')
  const superuser = row.boolean('superuser')
  const limits = [row.number('database_limit'), row.number('role_limit')].filter(
    (limit): limit is number => limit !== undefined && limit >= 0,
  )
  const versionNumber = row.number('number') ?? 0
  const pid = row.number('pid')
  return {
    database: 'postgresql',
    version: (row.text('version') ?? '').split(' ')[0] as string,
    major: Math.floor(versionNumber / 10_000),
    maxConnections,
    reservedConnections,
    // Limits of roles and databases do not bind superusers.
    usableConnections: superuser
      ? maxConnections
      : Math.min(maxConnections - reservedConnections, ...limits),
    usedConnections: row.number('used'),
    idleInTransaction: row.number('idle_in_transaction'),
    timeouts: timeoutsIn(settings),
    readOnly: row.boolean('recovering') ?? false,
    encrypted: row.boolean('encrypted'),
    superuser,
    readsAllStats: row.boolean('reads_stats'),
    extensions: extensionsIn(row.json('extensions') as Record<string, boolean> | null),
    pooler: poolerBetween(pid, again.number('pid'), processId),
  }
}

function poolerBetween(
  pid: number | undefined,
  again: number | undefined,
  processId: number | undefined,
): ServerFacts['pooler'] {
  if (pid !== again) return 'transaction'
  return processId === undefined || pid === undefined || processId === pid ? undefined : 'some'
}

function timeoutsIn(settings: Record<string, readonly [string, string | null]>): ServerTimeouts {
  const read = (name: string): number | undefined => {
    const [text, unit] = settings[name] ?? []
    const value = Number(text ?? 0)
    return value > 0 ? value * (unit === 's' ? 1000 : unit === 'min' ? 60_000 : 1) : undefined
  }
  return withoutUndefined({
    idleInTransactionMs: read('idle_in_transaction_session_timeout'),
    idleSessionMs: read('idle_session_timeout'),
    statementMs: read('statement_timeout'),
    lockMs: read('lock_timeout'),
    transactionMs: read('transaction_timeout'),
    keepaliveIdleMs: read('tcp_keepalives_idle'),
  })
}

export function withoutUndefined<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never
}

function extensionsIn(found: Record<string, boolean> | null): ServerFacts['extensions'] {
  const state = (name: string): ExtensionState => {
    const created = found?.[name]
    return created === undefined ? 'missing' : created ? 'created' : 'available'
  }
  return { pg_stat_statements: state('pg_stat_statements'), hypopg: state('hypopg') }
}
