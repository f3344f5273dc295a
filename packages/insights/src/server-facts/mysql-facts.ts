import { withoutUndefined } from './postgres-facts.js'
import { type QueryRows, Row, rowsOf } from './query-rows.js'
import type { ServerFacts } from './server-facts.js'

const NAMES = [
  'max_connections',
  'max_user_connections',
  'wait_timeout',
  'max_execution_time',
  'max_statement_time',
  'innodb_lock_wait_timeout',
  'idle_transaction_timeout',
  'read_only',
]

// SHOW rather than `@@name`: MySQL and MariaDB have different variables, and an unknown one would be an error.
const VARIABLES = `show variables where variable_name in (${NAMES.map((name) => `'${name}'`).join(', ')})`
const STATUS = "show status where variable_name in ('Threads_connected', 'Ssl_cipher')"

/** MySQL and MariaDB. Both keep one session beyond `max_connections` for administrators, so that none is reserved. */
export async function readMysqlFacts(query: QueryRows): Promise<ServerFacts> {
  const [row = new Row(undefined)] = await rowsOf(query, 'select version() as version')
  const values = await namedValues(query, VARIABLES)
  const status = await namedValues(query, STATUS)
  const positive = (name: string, factor: number): number | undefined => {
    const value = Number(values.get(name) ?? 0)
    return value > 0 ? value * factor : undefined
  }
  const maxConnections = positive('max_connections', 1) ?? 0
  const version = row.text('version') ?? ''
  const cipher = status.get('ssl_cipher')
  const connected = status.get('threads_connected')
  return {
    database: 'mysql',
    version,
    major: Number.parseInt(version, 10),
    maxConnections,
    reservedConnections: 0,
    usableConnections: Math.min(
      maxConnections,
      positive('max_user_connections', 1) ?? maxConnections,
    ),
    usedConnections: connected === undefined ? undefined : Number(connected),
    idleInTransaction: undefined,
    timeouts: withoutUndefined({
      idleSessionMs: positive('wait_timeout', 1000),
      idleInTransactionMs: positive('idle_transaction_timeout', 1000),
      // In milliseconds on MySQL, in seconds on MariaDB.
      statementMs: positive('max_execution_time', 1) ?? positive('max_statement_time', 1000),
      lockMs: positive('innodb_lock_wait_timeout', 1000),
    }),
    readOnly: !['off', '0', undefined].includes(values.get('read_only')?.toLowerCase()),
    encrypted: cipher === undefined ? undefined : cipher !== '',
    superuser: undefined,
    readsAllStats: undefined,
    extensions: { pg_stat_statements: 'missing', hypopg: 'missing' },
    pooler: undefined,
  }
}

async function namedValues(query: QueryRows, text: string): Promise<Map<string, string>> {
  const rows = await rowsOf(query, text)
  return new Map(
    rows.map((row) => [
      (row.text('Variable_name') ?? row.text('VARIABLE_NAME') ?? '').toLowerCase(),
      row.text('Value') ?? row.text('VALUE') ?? '',
    ]),
  )
}
