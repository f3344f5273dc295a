import {
  ConnectionManager,
  type ConnmgrEventType,
  type Endpoint,
  InvalidOptionError,
  type ManagerOptions,
  PoolClosedError,
} from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  invalidOption,
  MANAGER_OPTION_NAMES,
  rejectForeignOptions,
  rejectUnknownOptions,
  summarize,
  withUrlOptions,
} from '@connmgr/core/driver'
import type { Client, ClientConfig } from 'pg'
import { type ClientClass, PgDriver } from './driver.js'
import { type EndpointConfig, settingsOf, withPassword } from './endpoint-config.js'
import { resolveEndpoints } from './endpoint-options.js'
import { CLIENT_OPTIONS, FOREIGN_TO_PG } from './foreign-to-pg.js'
import { requireChannel } from './listen/channel.js'
import type { ListenOptions, NotificationHandler } from './listen/listen-options.js'
import { Notifications } from './listen/notifications.js'
import { ManagedPool } from './managed-pool.js'
import { NO_STATEMENTS, type StatementStats } from './prepared/preparing.js'
import { type SharedOptions, type Sharing, sharingOf } from './shared/sharing.js'
import type { UrlSettings } from './url-settings.js'

/** Options of {@link createConnectionManager}: where the servers are, and everything of `ManagerOptions`. */
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
}

export const PG_OPTION_NAMES: readonly string[] = [
  ...MANAGER_OPTION_NAMES,
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
  'shared',
  'replayStatements',
  'preparedStatements',
]

const PREPARES = ['auto', 'off'] as const
const LISTEN = { onGap: CALL_RULES.function, timeoutMs: CALL_RULES.milliseconds }
/** What may mean that there is another writer, or one again. */
const CHANGES: readonly ConnmgrEventType[] = [
  'clusterStateChanged',
  'failoverCompleted',
  'switchoverCompleted',
  'failbackCompleted',
]
/** A {@link ConnectionManager} of node-postgres clients, with a `pg.Pool` for every library that wants one. */
export class PgConnectionManager extends ConnectionManager<Client> {
  // Out of sight of whatever prints hidden properties: it has the password.
  readonly #preferred: Endpoint
  #pool: ManagedPool | undefined
  #replica: ManagedPool | undefined
  #notifications: Notifications | undefined

  /** @internal */
  readonly driver: PgDriver
  /** @internal undefined unless queries share connections */
  readonly sharing: Sharing | undefined
  /** @internal */
  readonly replayStatements: 'never' | 'safe'
  /** @internal What the URL of the preferred server says beyond the connection. */
  readonly urlSettings: UrlSettings

  /**
   * @param clientOptions what a client class of the user gets beside the configuration of an endpoint
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  constructor(
    endpoints: readonly Endpoint[],
    {
      shared,
      replayStatements,
      preparedStatements,
      ...given
    }: ManagerOptions<Client> &
      Pick<PgManagerOptions, 'shared' | 'replayStatements' | 'preparedStatements'>,
    Client?: ClientClass,
    clientOptions?: object,
  ) {
    const preferred = endpoints[0] as Endpoint
    const urlSettings = settingsOf(preferred)
    const options = withUrlOptions(given, urlSettings.options)
    const replays = ['never', 'safe'] as const
    if (replayStatements !== undefined && !replays.includes(replayStatements))
      throw invalidOption('replayStatements', replayStatements, "one of 'never', 'safe'")
    if (preparedStatements !== undefined && !PREPARES.includes(preparedStatements))
      throw invalidOption('preparedStatements', preparedStatements, "one of 'auto', 'off'")
    // Before there is a manager, which would go on without an owner.
    const sharing = sharingOf(shared, options, Client)
    const driver = new PgDriver({
      Client,
      clientOptions,
      clock: options.clock,
      preparedStatements: preparedStatements ?? preparesByDefault(urlSettings, options),
    })
    super({ driver, endpoints, options })
    this.driver = driver
    this.#preferred = preferred
    this.urlSettings = urlSettings
    this.on('connectionCreated', ({ endpoint }) => {
      // Others on their way may need all that there are; the last one has it read.
      if (this.getCounts().connecting === 0) driver.catalogs.read(endpoint)
    })
    this.on('healthCheckCompleted', ({ endpoint, healthy }) => {
      if (!healthy || endpoint === undefined) return
      const { checkedIn, checkedOut } = this.getPoolMetrics(endpoint)
      if (checkedIn + checkedOut > 0) driver.catalogs.read(endpoint)
    })
    this.replayStatements = replayStatements ?? 'never'
    if (driver.preparing !== undefined)
      driver.preparing.onOff = (endpoint, reason) => this.#preparesNoMore(endpoint, reason)
    this.sharing = sharing
  }

  /** @internal The preferred server. */
  get preferred(): Endpoint {
    return this.#preferred
  }

  /** A real `pg.Pool` whose connections lead to the server that takes writes. */
  get pool(): ManagedPool {
    this.#pool ??= ManagedPool.of(this, 'primary')
    return this.#pool
  }

  /** The same for reads: connections to standbys, or to the primary while there is no standby fit to read from. */
  get replica(): ManagedPool {
    this.#replica ??= ManagedPool.of(this, 'prefer-standby')
    return this.#replica
  }

  /**
   * Listens to a channel of `NOTIFY`, over one connection for all channels that is in no pool. After a failover, a
   * restart or a lost connection it listens again, at whichever server is the writer then, and calls `onGap` (and emits
   * `notificationGap`): what was sent meanwhile is gone, so read anew what the notifications are about.
   *
   * Resolves once the server listens, with the function that ends it. It needs a connection of its own through a pooler:
   * one that pools by transaction delivers nothing.
   *
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT` if no server listens within `timeoutMs`
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a channel that PostgreSQL cannot name
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED`
   *
   * @example
   * const unlisten = await manager.listen('jobs', ({ payload }) => run(payload), { onGap: () => runAllDue() })
   */
  async listen(
    channel: string,
    onNotification: NotificationHandler,
    options: ListenOptions = {},
  ): Promise<() => void> {
    checkCall('listen', options, LISTEN)
    if (typeof onNotification !== 'function')
      throw invalidOption('onNotification', onNotification, 'a function')
    if (this.closed) throw new PoolClosedError(this.name)
    void this.start()
    this.#notifications ??= this.#createNotifications()
    return this.#notifications.listen(channel, onNotification, options)
  }

  /** Sends a notification to everybody who listens to a channel of this database. */
  async notify(channel: string, payload = ''): Promise<void> {
    requireChannel(channel)
    if (typeof payload !== 'string') throw invalidOption('payload', payload, 'a string')
    await this.pool.query('select pg_notify($1, $2)', [channel, payload])
  }

  /**
   * What is prepared by itself on the servers, how much memory that takes there, how often it was of use, and where nothing
   * is prepared and why. All figures are totals of the manager, whose pools share it.
   *
   * @example
   * const { hits, prepares, bytes, off } = manager.getStatementStats()
   */
  getStatementStats(): StatementStats {
    return this.driver.preparing?.stats() ?? NO_STATEMENTS
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

  protected override async finish(): Promise<void> {
    await this.#notifications?.close()
  }

  protected override cleanUp(): void {
    this.driver.catalogs.close()
  }

  #preparesNoMore(endpoint: string, reason: string): void {
    this.emit({
      type: 'preparedStatementsOff',
      pool: this.name,
      endpoint,
      level: 'info',
      message: `statements are not prepared by themselves on ${endpoint}: ${reason}`,
      reason,
    })
  }

  #createNotifications(): Notifications {
    return new Notifications({
      name: this.name,
      clock: this.clock,
      acquireTimeoutMs: this.acquireTimeoutMs,
      writer: () => this.getFailoverStatus().activeEndpoint,
      connect: (onSignal, abort) => this.connectToWriter(onSignal, abort),
      emit: (event) => this.emit(event),
      onChange: (listener) => {
        const stops = CHANGES.map((type) => this.on(type, () => listener()))
        stops.push(this.on('endpointStateChanged', listener))
        return () => {
          for (const stop of stops) stop()
        }
      },
    })
  }
}

function preparesByDefault(
  { mayPrepare }: UrlSettings,
  { reset }: ManagerOptions<Client>,
): 'auto' | 'off' {
  return mayPrepare && reset !== 'discard-all' ? 'auto' : 'off'
}

/**
 * Makes the manager of a PostgreSQL database. It connects when first used, or on `start()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl: 'postgres://app:secret@db1/app', failoverUrls: ['postgres://app:secret@db2/app'] })
 * const { rows } = await manager.use((client) => client.query('select now()'))
 */
export function createConnectionManager(options: PgManagerOptions = {}): PgConnectionManager {
  if ('acquire' in options) {
    throw new InvalidOptionError(
      'options',
      'a manager was passed where options are expected, or it was made by another copy of @connmgr/pg; ' +
        'see the copies with "npm ls @connmgr/pg" and install one version',
    )
  }
  const what = 'the options of createConnectionManager'
  rejectForeignOptions(options, PG_OPTION_NAMES, what, FOREIGN_TO_PG)
  rejectUnknownOptions(options, PG_OPTION_NAMES, what)
  const {
    databaseUrl,
    host,
    port,
    user,
    database,
    failoverUrls,
    password,
    ssl,
    requireAuth,
    clientConfig = {},
    Client,
    ...managerOptions
  } = options
  // A client class of the user may have options of any name.
  if (Client === undefined)
    rejectForeignOptions(clientConfig, CLIENT_OPTIONS, 'the option clientConfig', FOREIGN_TO_PG)
  const {
    host: itsHost,
    port: itsPort,
    user: itsUser,
    database: itsDatabase,
    ...rest
  } = clientConfig
  const config: EndpointConfig = { ...rest, ...(requireAuth === undefined ? {} : { requireAuth }) }
  if (ssl !== undefined) config.ssl = ssl
  const endpoints = resolveEndpoints({
    databaseUrl,
    server: {
      host: host ?? itsHost,
      port: port ?? itsPort,
      user: user ?? itsUser,
      database: database ?? itsDatabase,
    },
    failoverUrls,
    clientConfig: withPassword(config, password ?? clientConfig.password),
  })
  return new PgConnectionManager(endpoints, managerOptions, Client)
}
