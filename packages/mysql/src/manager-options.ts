import type { ManagerOptions } from '@connmgr/core'
import { optionNames, type PackageOptions } from '@connmgr/core/driver'
import type { Connection, ConnectionOptions } from 'mysql2'
import type { EndpointConfig, Password } from './config/endpoint-config.js'
import { FOREIGN_TO_MYSQL } from './config/option-names.js'

/** Options of `createConnectionManager`: where the servers are, and everything of `ManagerOptions`. */
export interface MysqlManagerOptions extends ManagerOptions<Connection> {
  /**
   * The preferred server: a URL such as `mysql://user:password@host:3306/database`, or `mariadb://` for the same. Its
   * parameters are those of mysql2, and of Prisma: `connection_limit`, `pool_timeout`, `connect_timeout`, `socket_timeout`
   * and so on are options of the manager where it has none of its own. `@default` DATABASE_URL
   */
  readonly databaseUrl?: string
  /** The preferred server without a URL. `@default` localhost */
  readonly host?: string
  /** Beside `host`. `@default` 3306 */
  readonly port?: number
  /** The socket of a server on this machine, instead of `host`. */
  readonly socketPath?: string
  /** Who logs in, for URLs that do not name it. */
  readonly user?: string
  /** The database, for URLs that do not name it. */
  readonly database?: string
  /**
   * Servers to fail over to, in order; an array, or a string separated by commas. What such a URL leaves out (user,
   * password, database, parameters) is as for the preferred server. `@default` DATABASE_FAILOVER_URLS if the preferred
   * server is the environment's too, else none
   */
  readonly failoverUrls?: readonly string[] | string
  /** For URLs that have none. A function wins over the URL and is asked before each connect, so that credentials may expire. */
  readonly password?: Password
  /** As mysql2 takes it; wins over the URL. */
  readonly ssl?: ConnectionOptions['ssl']
  /** Anything else that mysql2 takes: `charset`, `timezone`, `dateStrings`, `typeCast` and so on. */
  readonly connectionConfig?: EndpointConfig
  /**
   * Whether every statement of `pool.query` and `pool.execute` is run again by itself when it has failed without effect,
   * until `failover.failoverTimeoutMs`. A statement may ask otherwise for itself: `pool.query({ sql, replay })`. A write
   * whose outcome is unknown never is. `@default` 'never'
   */
  readonly replayStatements?: 'never' | 'safe'
}

/** For the check of the options. */
export const MYSQL_OPTIONS: PackageOptions = {
  package: '@connmgr/mysql',
  own: [
    'databaseUrl',
    'host',
    'port',
    'socketPath',
    'user',
    'database',
    'failoverUrls',
    'password',
    'ssl',
    'connectionConfig',
    'replayStatements',
  ],
  foreign: FOREIGN_TO_MYSQL,
}

/** The names of all options of `createConnectionManager`. */
export const MYSQL_OPTION_NAMES: readonly string[] = optionNames(MYSQL_OPTIONS)
