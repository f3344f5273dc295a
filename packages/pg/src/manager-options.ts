import type { ManagerOptions } from '@connmgr/core'
import { optionNames, type PackageOptions } from '@connmgr/core/driver'
import type { Client, ClientConfig } from 'pg'
import { FOREIGN_TO_PG } from './foreign-to-pg.js'
import type { ClientClass } from './session-opener.js'
import type { SharedOptions } from './shared/sharing.js'

/** Options of `createConnectionManager`: where the servers are, and everything of `ManagerOptions`. */
export interface PgManagerOptions extends ManagerOptions<Client> {
  /**
   * The preferred server: a URL, or `/directory/of/sockets database`. Its parameters `connection_limit`, `pool_timeout`,
   * `connect_timeout`, `socket_timeout` and `pgbouncer` are options of the manager where it has none of its own.
   * `@default` DATABASE_URL, else what PGHOST, PGPORT, PGUSER and PGDATABASE say
   */
  readonly databaseUrl?: string
  /** The preferred server without a URL: a name, an address, or a directory of sockets. `@default` PGHOST, else localhost */
  readonly host?: string
  /** Beside `host`. `@default` PGPORT, else 5432 */
  readonly port?: number
  /** Who logs in, for URLs that do not say it. `@default` PGUSER, else the user of the process */
  readonly user?: string
  /** The database, for URLs that do not say it. `@default` PGDATABASE, else one that is called as the user */
  readonly database?: string
  /**
   * Servers to fail over to, in order; an array, or a string separated by commas. What such a URL leaves out (user,
   * password, database, parameters) is as for the preferred server. `@default` DATABASE_FAILOVER_URLS if the preferred
   * server is the environment's too, else none
   */
  readonly failoverUrls?: readonly string[] | string
  /** For URLs that have none. A function wins over the URL and is asked before each connect, so that credentials may expire. */
  readonly password?: string | (() => string | Promise<string>)
  /** As node-postgres takes it; wins over the URL's `sslmode`. */
  readonly ssl?: ClientConfig['ssl']
  /**
   * How servers may have this client prove who it is, as libpq's `require_auth`: a list of `scram-sha-256`, `md5`,
   * `password` (in clear) and `none`, or of what is refused, each with a `!` before it. A server that asks for anything
   * else gets nothing, and is quarantined. Wins over `require_auth` in a URL, and that over PGREQUIREAUTH. `@default`
   * everything that node-postgres answers to; but a server that a topology source has named gets a password in clear over
   * TLS with a verified certificate alone
   */
  readonly requireAuth?: string | readonly string[]
  /** Anything else that node-postgres takes: `application_name`, `statement_timeout`, `types` and so on. */
  readonly clientConfig?: ClientConfig
  /** The client class. `@default` pg.Client */
  readonly Client?: ClientClass
  /**
   * Lets independent queries of `pool.query` share few connections, called lanes: each is sent without waiting for the
   * answers to those before it, and is a transaction of its own. `connect()`, transactions, cursors, texts of several
   * statements and whatever could change the session (a function of the user's, a view or a table whose triggers may do
   * so, by the catalog of the database) get a connection of their own, as without it. In doubt a query is not shared.
   *
   * Leave it out where a caller that holds locks by a
   * transaction awaits a `pool.query`: that may stand behind another's that waits for these locks. Queries that are
   * slow, or whose results are huge, belong on `connect()`. See the README of @connmgr/pg. `@default` false
   */
  readonly shared?: boolean | SharedOptions
  /**
   * Whether every statement of `pool.query`, and so those of Prisma and Drizzle outside of transactions, is run again by
   * itself when it has failed without effect, until `failover.failoverTimeoutMs`. A query may say otherwise for itself:
   * `pool.query({ text, values, replay })`. A write whose outcome is unknown never is. `@default` 'never'
   */
  readonly replayStatements?: 'never' | 'safe'
  /**
   * Whether statements whose texts recur are prepared on the server by themselves, whatever library sends them, so that
   * the server need not read and plan them anew each time. Results are those of an unprepared statement. A query may say
   * no for itself: `client.query({ text, values, prepare: false })`. Behind a pooler that does not keep track of prepared
   * statements nothing is prepared. See docs/speed.md and `getStatementStats()`. `@default` 'auto'; 'off' for a URL with
   * `pgbouncer=true` or `statement_cache_size=0`, and with `reset: 'discard-all'`, which forgets all after every lease
   */
  readonly preparedStatements?: 'auto' | 'off'
  /**
   * Whether sessions keep up to 1 MB of the memory that their statements free for those that follow, in place of giving it
   * back to the system of the server after each of them and taking it anew, which can cost as much as the statement. For
   * PostgreSQL on Linux with glibc and databases in UTF-8; elsewhere it changes nothing. See docs/speed.md. `@default` true
   */
  readonly keepServerMemory?: boolean
}

/** How statements are sent, whichever form the other options have. */
export type SendingOptions = Pick<PgManagerOptions, (typeof SENDING_OPTIONS)[number]>
export const SENDING_OPTIONS = [
  'shared',
  'replayStatements',
  'preparedStatements',
  'keepServerMemory',
] as const

/** For the check of the options. */
export const PG_OPTIONS: PackageOptions = {
  package: '@connmgr/pg',
  own: [
    'databaseUrl',
    'host',
    'port',
    'user',
    'database',
    'failoverUrls',
    'password',
    'ssl',
    'requireAuth',
    'clientConfig',
    'Client',
    ...SENDING_OPTIONS,
  ],
  foreign: FOREIGN_TO_PG,
}

/** The names of all options of `createConnectionManager`. */
export const PG_OPTION_NAMES: readonly string[] = optionNames(PG_OPTIONS)
