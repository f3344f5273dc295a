import {
  ConnectionManager,
  type ConnmgrEventType,
  type Endpoint,
  type Lease,
  type ManagerOptions,
  PoolClosedError,
  type Target,
} from '@connmgr/core'
import {
  CALL_RULES,
  checkCall,
  invalidOption,
  summarize,
  withUrlOptions,
} from '@connmgr/core/driver'
import type { Client } from 'pg'
import { PgDriver } from './driver.js'
import { settingsOf } from './endpoint-config.js'
import { requireChannel } from './listen/channel.js'
import type { ListenOptions, NotificationHandler } from './listen/listen-options.js'
import { Notifications } from './listen/notifications.js'
import type { ManagedPool } from './managed-pool.js'
import type { SendingOptions } from './manager-options.js'
import { PlanCounter, type PlanCounts } from './prepared/plan-counts.js'
import { NO_STATEMENTS, type StatementStats } from './prepared/preparing.js'
import { unprepared } from './prepared/unprepared-scope.js'
import type { ClientClass } from './session-opener.js'
import { type Sharing, sharingOf } from './shared/sharing.js'
import type { UrlSettings } from './url-settings.js'

/** Connections that are asked for their plans at once. */
const MOST_ASKED = 5
const PREPARES = ['auto', 'off'] as const
const LISTEN = { onGap: CALL_RULES.function, timeoutMs: CALL_RULES.milliseconds }
/** What may mean that there is another writer, or one again. */
const CHANGES: readonly ConnmgrEventType[] = [
  'clusterStateChanged',
  'failoverCompleted',
  'switchoverCompleted',
  'failbackCompleted',
]

/** What a manager is made of besides its servers and options. */
export interface PgManagerParts {
  /** Makes the pools that {@link PgConnectionManager.pool} and `replica` return: `ManagedPool.of`. */
  readonly poolOf: (manager: PgConnectionManager, target: Target) => ManagedPool
  /** `@default` pg.Client */
  readonly Client?: ClientClass | undefined
  /** What a client class of the user gets beside the configuration of an endpoint. */
  readonly clientOptions?: object | undefined
}

/** A {@link ConnectionManager} of node-postgres clients, with a `pg.Pool` for every library that wants one. */
export class PgConnectionManager extends ConnectionManager<Client> {
  // Out of sight of whatever prints hidden properties: it has the password.
  readonly #preferred: Endpoint
  readonly #poolOf: PgManagerParts['poolOf']
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
   * @internal Use `createConnectionManager`.
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   */
  constructor(
    endpoints: readonly Endpoint[],
    {
      shared,
      replayStatements,
      preparedStatements,
      keepServerMemory = true,
      ...given
    }: ManagerOptions<Client> & SendingOptions,
    { poolOf, Client, clientOptions }: PgManagerParts,
  ) {
    const preferred = endpoints[0] as Endpoint
    const urlSettings = settingsOf(preferred)
    const options = withUrlOptions(given, urlSettings.options)
    const replays = ['never', 'safe'] as const
    if (replayStatements !== undefined && !replays.includes(replayStatements))
      throw invalidOption('replayStatements', replayStatements, "one of 'never', 'safe'")
    if (preparedStatements !== undefined && !PREPARES.includes(preparedStatements))
      throw invalidOption('preparedStatements', preparedStatements, "one of 'auto', 'off'")
    if (typeof keepServerMemory !== 'boolean')
      throw invalidOption('keepServerMemory', keepServerMemory, 'true or false')
    // Before there is a manager, which would go on without an owner.
    const sharing = sharingOf(shared, options, Client)
    const driver = new PgDriver({
      Client,
      clientOptions,
      clock: options.clock,
      preparedStatements: preparedStatements ?? preparesByDefault(urlSettings, options),
      keepServerMemory,
    })
    super({ driver, endpoints, options })
    this.driver = driver
    this.#preferred = preferred
    this.#poolOf = poolOf
    this.urlSettings = urlSettings
    this.on('connectionCreated', ({ endpoint }) => {
      // Others on their way may need all that there are; the last one has it read.
      if (this.getCounts().connecting === 0) driver.catalogs.opened(endpoint)
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
    this.#pool ??= this.#poolOf(this, 'primary')
    return this.#pool
  }

  /** The same for reads: connections to standbys, or to the primary while there is no standby fit to read from. */
  get replica(): ManagedPool {
    this.#replica ??= this.#poolOf(this, 'prefer-standby')
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
    return this.driver.preparing?.stats((text) => this.reportedSql(text)) ?? NO_STATEMENTS
  }

  /**
   * Asks the server by which plans it runs what is prepared: `generic_plans` and `custom_plans` of `pg_prepared_statements`,
   * which PostgreSQL has from 14 on. Each session tells of its own statements alone, so a few connections to the writer that
   * are idle are borrowed for it. None is opened and none waited for: without an idle one it resolves with nothing.
   *
   * @throws whatever the server answers
   *
   * @example
   * for (const { text, genericPlans, customPlans } of await manager.readPlanCounts()) …
   */
  async readPlanCounts(): Promise<PlanCounts[]> {
    const counter = new PlanCounter()
    const leases: Lease<Client>[] = []
    try {
      while (leases.length < MOST_ASKED && this.#hasIdle())
        leases.push(await this.acquire({ target: 'primary' }))
      for (const { entry } of leases) await this.driver.countPlans(entry.connection, counter)
    } finally {
      for (const lease of leases) lease.release()
    }
    return counter.counts((text) => this.reportedSql(text))
  }

  /**
   * Runs work whose statements are not prepared by themselves, also those of libraries that take no `prepare: false`: for a
   * statement whose best plan depends on its values. It holds for all that `work` awaits or returns. Tested with the pool,
   * TypeORM and Drizzle.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if `work` is no function
   *
   * @example
   * const rows = await manager.unprepared(() => orders.findBy({ status }))
   */
  async unprepared<T>(work: () => PromiseLike<T> | T): Promise<T> {
    if (typeof work !== 'function') throw invalidOption('work', work, 'a function')
    return unprepared(work)
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

  /** Whether the server that takes writes has a connection that is idle. */
  #hasIdle(): boolean {
    const { activeEndpoint } = this.getFailoverStatus()
    return activeEndpoint !== undefined && this.getPoolMetrics(activeEndpoint).checkedIn > 0
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
