import { readMysqlFacts } from './mysql-facts.js'
import { readPostgresFacts } from './postgres-facts.js'
import type { QueryRows } from './query-rows.js'

/** Whether an extension of PostgreSQL can be used. */
export type ExtensionState =
  /** Created in this database. */
  | 'created'
  /** The server has it; `create extension` is all that is missing. */
  | 'available'
  /** The server does not have it. */
  | 'missing'

/** Time limits that the server enforces, in milliseconds; undefined where it has none, or does not have the setting. */
export interface ServerTimeouts {
  /** A session that is idle inside a transaction is ended (`idle_in_transaction_session_timeout`). */
  readonly idleInTransactionMs?: number
  /** A session that is idle outside of a transaction is ended (`idle_session_timeout`; `wait_timeout` of MySQL). */
  readonly idleSessionMs?: number
  /** A statement is cancelled (`statement_timeout`; `max_execution_time` of MySQL). */
  readonly statementMs?: number
  /** A wait for a lock is given up (`lock_timeout`; `innodb_lock_wait_timeout` of MySQL). */
  readonly lockMs?: number
  /** A transaction is ended (`transaction_timeout`, PostgreSQL 17 on). */
  readonly transactionMs?: number
  /** Silence after which the server sends keepalives (`tcp_keepalives_idle`). */
  readonly keepaliveIdleMs?: number
}

/** How the server answers questions about itself. Plain data; what it does not tell this role is undefined. */
export interface ServerFacts {
  readonly database: 'postgresql' | 'mysql'
  /** As the server writes it: `18.1`, `10.11.6-MariaDB`. */
  readonly version: string
  /** Its first number. */
  readonly major: number
  /** Sessions that the server accepts, those that it reserves included. */
  readonly maxConnections: number
  /** Of these, sessions that only superusers and roles with `pg_use_reserved_connections` get. */
  readonly reservedConnections: number
  /** The least of what the server, the database and the role allow to one like us. */
  readonly usableConnections: number
  /** Sessions that are open now, of all clients. */
  readonly usedConnections: number | undefined
  /** Sessions of this role that are idle inside a transaction for more than five seconds. */
  readonly idleInTransaction: number | undefined
  readonly timeouts: ServerTimeouts
  /** True on a standby, or a server that takes no writes. */
  readonly readOnly: boolean
  /** Whether this very connection is encrypted; undefined where the server does not tell. */
  readonly encrypted: boolean | undefined
  /** The role in use may do everything, and so also take the reserved connections. */
  readonly superuser: boolean | undefined
  /** The role in use sees the statements of other roles (`pg_read_all_stats`). */
  readonly readsAllStats: boolean | undefined
  /** PostgreSQL's extensions that measure and advise. */
  readonly extensions: Readonly<Record<'pg_stat_statements' | 'hypopg', ExtensionState>>
  /**
   * What stands between: `transaction` if two statements in a row ran in different sessions, `some` if the session is not
   * the one that the connection was told of. Undefined if neither shows, which does not exclude a pooler in session mode.
   */
  readonly pooler: 'transaction' | 'some' | undefined
}

/** What {@link readServerFacts} must be told. */
export interface ServerFactsOptions {
  readonly database: 'postgresql' | 'mysql'
  /** The process id that the server gave to this connection at its login (`client.processID` of node-postgres), which tells a pooler. */
  readonly processId?: number
}

/**
 * Reads what a server allows and how it is set, with two short statements. They take no locks, and any role may run them.
 *
 * @param query runs one statement, on one and the same connection
 * @throws what `query` rejects with
 *
 * @example
 * const facts = await readServerFacts(async (text) => (await client.query(text)).rows, { database: 'postgresql' })
 */
export function readServerFacts(
  query: QueryRows,
  { database, processId }: ServerFactsOptions,
): Promise<ServerFacts> {
  return database === 'mysql' ? readMysqlFacts(query) : readPostgresFacts(query, processId)
}
