import {
  ConnectionManager,
  type Endpoint,
  InvalidOptionError,
  type ManagerOptions,
} from '@connmgr/core'
import {
  invalidOption,
  MANAGER_OPTION_NAMES,
  rejectForeignOptions,
  rejectUnknownOptions,
  summarize,
  withUrlOptions,
} from '@connmgr/core/driver'
import type { Connection, ConnectionOptions } from 'mysql2'
import {
  type EndpointConfig,
  type Password,
  settingsOf,
  withPassword,
} from './config/endpoint-config.js'
import { resolveEndpoints } from './config/endpoint-options.js'
import { CONNECTION_OPTIONS, FOREIGN_TO_MYSQL } from './config/option-names.js'
import { MysqlDriver } from './driver.js'
import { ManagedPool } from './pool/managed-pool.js'

/** Options of {@link createConnectionManager}: where the servers are, and everything of `ManagerOptions`. */
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

export const MYSQL_OPTION_NAMES: readonly string[] = [
  ...MANAGER_OPTION_NAMES,
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
]

/** A {@link ConnectionManager} of mysql2's connections, with a pool of mysql2 for every library that wants one. */
export class MysqlConnectionManager extends ConnectionManager<Connection> {
  // Out of sight of whatever prints hidden properties: it has the password.
  readonly #preferred: Endpoint
  #pool: ManagedPool | undefined
  #replica: ManagedPool | undefined

  /** @internal */
  readonly driver: MysqlDriver
  /** @internal */
  readonly replayStatements: 'never' | 'safe'

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(
    endpoints: readonly Endpoint[],
    {
      replayStatements,
      ...given
    }: ManagerOptions<Connection> & Pick<MysqlManagerOptions, 'replayStatements'>,
  ) {
    const preferred = endpoints[0] as Endpoint
    const options = withUrlOptions(given, settingsOf(preferred))
    const replays = ['never', 'safe'] as const
    if (replayStatements !== undefined && !replays.includes(replayStatements))
      throw invalidOption('replayStatements', replayStatements, "one of 'never', 'safe'")
    const driver = new MysqlDriver({ clock: options.clock })
    super({ driver, endpoints, options })
    this.driver = driver
    this.#preferred = preferred
    this.replayStatements = replayStatements ?? 'never'
    const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))
    this.on('connectionCreated', ({ endpoint: id }) => {
      const endpoint = byId.get(id)
      // Others on their way may need all that there are; the last one has them read.
      if (endpoint !== undefined && this.getCounts().connecting === 0) driver.readEngines(endpoint)
    })
  }

  /** @internal The preferred server. */
  get preferred(): Endpoint {
    return this.#preferred
  }

  /** A pool of mysql2, with `.promise()`, whose connections lead to the server that takes writes. */
  get pool(): ManagedPool {
    this.#pool ??= ManagedPool.of(this, 'primary')
    return this.#pool
  }

  /** The same for reads: connections to standbys, or to the primary while there is no standby fit to read from. */
  get replica(): ManagedPool {
    this.#replica ??= ManagedPool.of(this, 'prefer-standby')
    return this.#replica
  }

  /** @internal A listener of one of the pools has failed. */
  listenerFailed(event: string, error: unknown): void {
    this.emit({
      type: 'listenerFailed',
      pool: this.name,
      reason: `a listener of the pool's ${event} failed`,
      error: summarize(error),
    })
  }
}

/**
 * Makes the manager of a MySQL or MariaDB database. It connects when first used, or on `start()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl: 'mysql://app:secret@db1/app', failoverUrls: ['mysql://db2'] })
 * const [rows] = await manager.pool.promise().query('select now()')
 */
export function createConnectionManager(options: MysqlManagerOptions = {}): MysqlConnectionManager {
  if ('acquire' in options)
    throw new InvalidOptionError(
      'options',
      'a manager was passed where options are expected, or it was made by another copy of @connmgr/mysql; ' +
        'see the copies with "npm ls @connmgr/mysql" and install one version',
    )
  const what = 'the options of createConnectionManager'
  rejectForeignOptions(options, MYSQL_OPTION_NAMES, what, FOREIGN_TO_MYSQL)
  rejectUnknownOptions(options, MYSQL_OPTION_NAMES, what)
  const {
    databaseUrl,
    host,
    port,
    socketPath,
    user,
    database,
    failoverUrls,
    password,
    ssl,
    connectionConfig = {},
    ...managerOptions
  } = options
  rejectForeignOptions(connectionConfig, CONNECTION_OPTIONS, 'the option connectionConfig', {})
  rejectUnknownOptions(connectionConfig, CONNECTION_OPTIONS, 'the option connectionConfig')
  const {
    host: itsHost,
    port: itsPort,
    user: itsUser,
    database: itsDatabase,
    socketPath: itsSocket,
    password: itsPassword,
    ...rest
  } = connectionConfig
  const config = withPassword(
    { ...rest, ...(ssl === undefined ? {} : { ssl }) },
    password ?? itsPassword,
  )
  const endpoints = resolveEndpoints({
    databaseUrl,
    server: {
      host: host ?? itsHost,
      port: port ?? itsPort,
      user: user ?? itsUser,
      database: database ?? itsDatabase,
      socketPath: socketPath ?? itsSocket,
    },
    failoverUrls,
    connectionConfig: config,
  })
  return new MysqlConnectionManager(endpoints, managerOptions)
}
