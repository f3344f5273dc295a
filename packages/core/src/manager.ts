import { bounded } from './bounded.js'
import type { Clock } from './clock.js'
import { type ResolvedOptions, resolveManagerOptions } from './config/resolve.js'
import { invalid, rejectUnknownOptions } from './config/rules.js'
import { Deadlines } from './deadlines.js'
import { DedicatedConnection } from './dedicated.js'
import type { ConnectionSignal, Driver, Endpoint, TransactionOptions } from './driver.js'
import { InvalidOptionError } from './errors.js'
import { acquireChannel, isTraced, traced } from './events/channels.js'
import { EventEmitter } from './events/emitter.js'
import type { ConnmgrEvent, ConnmgrEventType, Listener } from './events/events.js'
import { logEvent, loggedBy } from './events/log.js'
import { FailoverController } from './failover/failover-controller.js'
import {
  FAILOVER_EVENT_TYPES,
  type FailoverEvent,
  FailoverRecord,
} from './failover/failover-record.js'
import { ManagedEndpoint } from './failover/managed-endpoint.js'
import { TARGETS, type Target } from './failover/states.js'
import { urgentPaceMs } from './failover/writer-search.js'
import { HealthMonitor } from './health/health-monitor.js'
import type { HealthCheck, HealthStats } from './health/history.js'
import { LoginProbes } from './health/login-probes.js'
import { Prober } from './health/prober.js'
import { QueryWatchdog } from './health/query-watchdog.js'
import { LeakDetector, NoLeakDetection } from './leaks/leak-detector.js'
import type { LeaseReport } from './leaks/lease-report.js'
import type { FunctionReference } from './leaks/stack.js'
import type { ManagerOptions } from './options.js'
import type { PoolEnvironment, PoolObserver } from './pool/environment.js'
import type { Lease } from './pool/lease.js'
import { Maintainer } from './pool/maintainer.js'
import { combineMetrics, type PoolCounts, type PoolMetrics, sumCounts } from './pool/metrics.js'
import type { AcquireOptions } from './pool/options.js'
import { Pool } from './pool/pool.js'
import { StaticPool } from './pool/static-pool.js'
import { type ReadAcquireOptions, Reads, type SessionOptions } from './reads/reads.js'
import type { ReadSession } from './reads/session.js'
import type { WriteToken } from './reads/write-token.js'
import type {
  ReplayOptions,
  TransactionReplayOptions,
  UnitReplayOptions,
} from './replay/options.js'
import { Replayer, type ReplayStats } from './replay/replayer.js'
import { UnitsOfWork } from './replay/work.js'
import { Router } from './routing.js'
import { StallMonitor } from './stall.js'
import {
  type FailoverStatus,
  failoverStatus,
  type HealthStatus,
  type LeakStatus,
} from './status.js'
import { EndpointSet } from './topology/endpoint-set.js'
import type { Discovery } from './topology/source.js'
import { TopologyWatch } from './topology/topology-watch.js'

/** What a {@link ConnectionManager} is made of. Adapters fill this in. */
export interface ManagerConfig<C extends object> {
  readonly driver: Driver<C>
  /** The preferred one first. */
  readonly endpoints: readonly Endpoint[]
  readonly options?: ManagerOptions<C>
}

/** What a caller may ask of one acquire. */
export interface ManagerAcquireOptions extends ReadAcquireOptions {
  /** `@default` 'primary' */
  readonly target?: Target
}

const SESSION_OPTIONS = ['after', 'stickyReadsMs']

const DEFAULT_DRAIN_TIMEOUT_MS = 10_000

const NO_OPTIONS: ManagerAcquireOptions = {}

/**
 * Owns the connections to one database, on however many servers it lives: pools them, watches them, names who leaks
 * them, and moves callers when another server takes over.
 *
 * @example
 * await manager.use(async (client) => client.query('select 1'))
 */
export class ConnectionManager<C extends object> {
  readonly #driver: Driver<C>
  readonly #options: ResolvedOptions<C>
  readonly #events: EventEmitter
  readonly #stall: StallMonitor
  readonly #deadlines: Deadlines
  readonly #set: EndpointSet<C>
  readonly #endpoints: readonly ManagedEndpoint<C>[]
  /** One endpoint, and no source that may name others. */
  readonly #solo: boolean
  readonly #topology: TopologyWatch | undefined
  readonly #record = new FailoverRecord()
  readonly #controller: FailoverController<C>
  readonly #monitor: HealthMonitor<C>
  readonly #maintainer: Maintainer<C>
  readonly #watchdog: QueryWatchdog<C>
  readonly #logins: LoginProbes<C>
  readonly #router: Router<C>
  readonly #replayer: Replayer
  readonly #work: UnitsOfWork<C, ManagerAcquireOptions>
  readonly #reads: Reads<C>
  #size: { poolSize: number; maxOverflow: number }
  #started: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(config: ManagerConfig<C>) {
    const { driver, endpoints } = config
    const options = resolveManagerOptions(config.options ?? {}, driver.name)
    this.#driver = driver
    this.#options = options
    this.#size = { poolSize: options.pool.poolSize, maxOverflow: options.pool.maxOverflow }
    this.#events = new EventEmitter(options.name)
    this.#stall = new StallMonitor(options.clock)
    this.#deadlines = new Deadlines(options.clock, this.#stall)
    if (endpoints.length === 0) {
      throw new InvalidOptionError(
        'endpoints',
        'option "endpoints" must name at least one endpoint, but it is empty',
      )
    }
    this.#solo = endpoints.length === 1 && options.topology === undefined
    this.#set = this.#createSet()
    this.#set.apply(endpoints)
    this.#endpoints = this.#set.all
    this.#controller = this.#createController()
    this.#monitor = new HealthMonitor(this.#endpoints, options.health.history, {
      name: options.name,
      clock: options.clock,
      events: this.#events,
      paceMs: () => this.#paceMs(),
      onOutcome: (endpoint, outcome) => this.#controller.observe(endpoint, outcome),
    })
    this.#maintainer = new Maintainer(
      this.#set.pools,
      options.pool,
      options.leaks?.thresholdMs ?? Number.POSITIVE_INFINITY,
      options.clock,
    )
    this.#watchdog = new QueryWatchdog(this.#endpoints, options.queryTimeoutMs, {
      name: options.name,
      clock: options.clock,
      stall: this.#stall,
      events: this.#events,
      check: (endpoint) => this.#monitor.check(endpoint),
    })
    this.#logins = new LoginProbes(
      this.#endpoints,
      driver,
      {
        ...options.failover,
        // A single server is probed too rarely for that, and its own connects tell.
        ...(this.#solo ? { loginProbeMs: Number.POSITIVE_INFINITY } : {}),
      },
      {
        name: options.name,
        clock: options.clock,
        deadlines: this.#deadlines,
        events: this.#events,
        onEnding: (endpoint, error) => this.#controller.drain(endpoint, error.message),
        onMoved: (endpoint) => void this.#askAnew(endpoint),
      },
    )
    this.#router = new Router(
      options.name,
      this.#endpoints,
      this.#controller,
      options.pool.maxWaiters,
      options.clock,
      this.#events,
    )
    this.#reads = new Reads(options.reads, {
      name: options.name,
      driver,
      clock: options.clock,
      deadlines: this.#deadlines,
      controller: this.#controller,
      router: this.#router,
      acquireTimeoutMs: options.pool.acquireTimeoutMs,
    })
    this.#topology =
      options.topology &&
      new TopologyWatch(options.topology, endpoints, {
        name: options.name,
        clock: options.clock,
        deadlines: this.#deadlines,
        events: this.#events,
        onDiscovery: (discovery) => this.#follow(discovery),
        urgent: () => this.#controller.urgent,
      })
    this.#replayer = new Replayer(
      options.name,
      options.clock,
      this.#events,
      (error) => driver.classify(error),
      options.failover.failoverTimeoutMs,
    )
    this.#work = new UnitsOfWork({
      driver,
      replayer: this.#replayer,
      acquireTimeoutMs: options.pool.acquireTimeoutMs,
      acquire: (wanted, below) => this.acquire(wanted, below),
      rollBackWithin: (rollback) =>
        bounded(
          this.#deadlines,
          options.pool.resetTimeoutMs,
          rollback,
          () => new Error('rollback timed out'),
        ),
    })
    for (const type of loggedBy(options.logger))
      this.#events.on(type, (event) => logEvent(options.logger, event))
    for (const type of FAILOVER_EVENT_TYPES) {
      this.#events.on(type, (event) =>
        this.#record.add(event as FailoverEvent, new Date(options.clock.wallTime())),
      )
    }
    // After a stop of the whole process nobody knows which sockets have survived.
    this.#stall.onStall(() => {
      for (const each of this.#endpoints) each.pool.suspectAll()
    })
    if (options.pool.minIdle > 0) void this.start()
  }

  get name(): string {
    return this.#options.name
  }

  /** True from the first call of `close`. */
  get closed(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Starts the health monitor and fills the pool to `minIdle`. Called by the first acquire; call it yourself to have
   * everything ready before. Resolves when every endpoint has been looked at once.
   */
  start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  /**
   * Borrows a connection. Give it back with `release()`; `use` and `transaction` do that for you.
   *
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT`: none came free within `acquireTimeoutMs`; its phase is
   * `replay` if no standby had replayed what a read with target `standby` and `after` must see
   * @throws AcquireAbortedError `CONNMGR_ACQUIRE_ABORTED`: `signal` fired
   * @throws QueueFullError `CONNMGR_QUEUE_FULL`: `maxWaiters` callers are queued already
   * @throws ConnectFailedError `CONNMGR_CONNECT_FAILED`: the server refuses for a reason that waiting does not mend
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED`
   */
  acquire(
    options: ManagerAcquireOptions = NO_OPTIONS,
    below: FunctionReference = this.acquire,
  ): Promise<Lease<C>> {
    const { target = 'primary', timeoutMs } = options
    if (target !== 'primary' && !TARGETS.includes(target)) {
      return Promise.reject(invalid('target', target, `one of ${TARGETS.join(', ')}`))
    }
    if (timeoutMs !== undefined && !(timeoutMs >= 0 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
      return Promise.reject(
        invalid('timeoutMs', timeoutMs, `a number from 0 to ${LONGEST_TIMEOUT_MS}`),
      )
    }
    if (this.#started === undefined && this.#closing === undefined) void this.start()
    const way = this.#reads.concern(options) ? this.#reads : this.#router
    if (!isTraced(acquireChannel)) return way.acquire(options, target, below)
    const endpoint = this.#controller.pick(target)?.endpoint
    return traced(acquireChannel, { endpoint, poolName: this.name }, () =>
      way.acquire(options, target, below),
    )
  }

  /**
   * Lends a connection to `work` and takes it back whatever happens. With `replay: 'safe'` the work is run again when it
   * has failed and nothing that it wrote before is there to stay.
   */
  use<T>(
    work: (connection: C, lease: Lease<C>, attempt: number) => Promise<T> | T,
    options: ManagerAcquireOptions & UnitReplayOptions<NoInfer<T>> = {},
  ): Promise<T> {
    return this.#work.use(work, options, this.use)
  }

  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. With `replay: 'safe'` it is run
   * again, on whichever server is the primary then, when it has failed without effect; `attempt` counts from 1.
   *
   * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if the connection was lost while COMMIT was in
   * flight. The transaction is never repeated then, unless it is declared idempotent or `outcome` tells that it was not
   * committed.
   * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if the connection was lost before COMMIT was sent, so that
   * nothing was committed
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.transaction((client) => transfer(client, 30), { replay: 'safe', isolation: 'serializable' })
   */
  transaction<T>(
    work: (connection: C, lease: Lease<C>, attempt: number) => Promise<T>,
    options: ManagerAcquireOptions & TransactionOptions & TransactionReplayOptions = {},
  ): Promise<T> {
    return this.#work.transaction(work, options, this.transaction)
  }

  /**
   * Runs any unit of work, one written with an ORM for example, and again when its error says that it had no effect,
   * whatever the ORM has wrapped that in. Let it be one transaction, or reads: what it has committed before it fails
   * stays, and so it is not run again. Writes outside of this manager it cannot know.
   *
   * @throws whatever the last attempt has thrown
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.replay(() => prisma.$transaction((tx) => placeOrder(tx)), { deadlineMs: 10_000 })
   */
  replay<T>(
    work: (attempt: number) => Promise<T> | T,
    options: UnitReplayOptions<NoInfer<T>> & { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#work.replay(work, options, 'replay')
  }

  /**
   * The same for a transaction of a library: knows what its work has come to when its COMMIT was lost. For adapters.
   *
   * @param transact runs work in a transaction
   *
   * @example
   * await manager.replayTransaction((work) => db.transaction(work), (tx, attempt) => placeOrder(tx))
   */
  replayTransaction<X, T>(
    transact: (work: (transaction: X) => Promise<T>) => Promise<T>,
    work: (transaction: X, attempt: number) => Promise<T>,
    options: TransactionReplayOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#work.transactionOf(transact, work, options)
  }

  /** @internal The same of a single statement. */
  replayStatement<T>(work: () => Promise<T>, options: ReplayOptions): Promise<T> {
    return this.#work.replay(work, options, 'statement')
  }

  /**
   * How far the writer is now: a read that is given this token (`after`) sees everything committed until then, on
   * whichever server, and in whichever process. Take it after a commit.
   *
   * @throws UnsupportedError `CONNMGR_UNSUPPORTED` if the driver cannot tell
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT` and all others that `acquire` throws
   *
   * @example
   * await manager.transaction(placeOrder)
   * const after = await manager.writeToken()
   * await manager.use(listOrders, { target: 'prefer-standby', after })
   */
  async writeToken(options: AcquireOptions = {}): Promise<WriteToken> {
    if (this.#closing === undefined) void this.start()
    return this.#reads.token(options, this.writeToken)
  }

  /**
   * Runs `work` so that what is read in it sees what was written in it, also through an ORM and through the pools:
   * reads on standbys come after the writes of the same asynchronous flow, as if each had been given a token. For the
   * length of a request, for example. Who writes in the flow are all that borrow a connection to the primary, but for
   * transactions with `readOnly`.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.withSession(async (session) => {
   *   await handle(request)
   *   response.cookie('written', String((await session.writeToken()) ?? request.cookies.written))
   * }, { after: request.cookies.written })
   */
  withSession<T>(work: (session: ReadSession<C>) => T, options: SessionOptions = {}): T {
    rejectUnknownOptions(options, SESSION_OPTIONS, 'the options of withSession')
    return this.#reads.runSession(work, options)
  }

  /** True for what runs within `withSession`. */
  get inSession(): boolean {
    return this.#reads.session !== undefined
  }

  /** Opens connections until `count` are there. `@default` poolSize */
  async warmUp(count?: number): Promise<void> {
    await this.start()
    await this.#controller.pick('primary')?.pool.warmUp(count)
  }

  /** Changes the size of every endpoint's pool while it is in use. A surplus closes as it comes back. */
  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    const { poolSize, maxOverflow } = { ...this.#size, ...size }
    resolveManagerOptions<C>({ poolSize, maxOverflow }, this.name)
    this.#size = { poolSize, maxOverflow }
    for (const each of this.#endpoints) each.pool.resize(size)
  }

  /** Invalidates all connections: idle ones close now, lent ones when they come back. */
  clear(reason = 'requested'): void {
    for (const each of this.#endpoints) each.pool.clear(reason)
  }

  /** Closes one connection: now if it is idle, else when it comes back. False if there is none with this id. */
  evict(connectionId: number): boolean {
    return this.#endpoints.some((each) => each.pool.evict(connectionId))
  }

  /** Holds every acquire until `resume`, within its deadline. For planned switchovers. */
  suspend(): void {
    this.#router.suspend()
  }

  resume(): void {
    this.#router.resume()
  }

  /**
   * Moves callers to another endpoint now. With replication the servers decide who is the primary: promote one there,
   * and this follows at once.
   *
   * @param to `host:port` or `host:port/database`; the next healthy endpoint if not given
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED`
   */
  async failover(to?: string): Promise<void> {
    await this.start()
    await this.#controller.failover(to)
  }

  /** Accepts another cluster or an older timeline, after the cluster has been rebuilt on purpose. */
  async reset(): Promise<void> {
    await this.start()
    await this.#controller.reset()
  }

  /**
   * Takes an endpoint out of service until `unquarantine` or `reset`: it gets no new callers, whoever has a connection to
   * it may finish, and if it is the writer, another is looked for.
   *
   * @param endpoint `host:port` or `host:port/database`
   * @param reason shown in events and in `getFailoverStatus()`
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if there is no such endpoint, or no other
   */
  async quarantine(endpoint: string, reason = 'quarantined by an operator'): Promise<void> {
    await this.start()
    this.#controller.quarantine(endpoint, reason)
  }

  /**
   * Puts an endpoint back into service that `quarantine` took out, if it is fit for it. Resolves when it has been probed.
   *
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if there is no such endpoint
   */
  async unquarantine(endpoint: string): Promise<void> {
    await this.start()
    await this.#controller.unquarantine(endpoint)
  }

  /** Figures of the pools of all endpoints, or of one. `size` and `limit` count the pools that are in service. */
  getPoolMetrics(endpoint?: string): PoolMetrics {
    const metrics = combineMetrics(
      this.#set.measure(
        (each) =>
          endpoint !== undefined || each === this.#controller.writer || each.pool.counts.total > 0,
        endpoint,
      ),
    )
    if (endpoint !== undefined) return metrics
    return {
      ...metrics,
      waiting: metrics.waiting + this.#router.waiting,
      failedCheckouts: metrics.failedCheckouts + this.#router.failed,
    }
  }

  /** Connections and callers of the endpoints that serve a target now. */
  getCounts(target: Target = 'any'): PoolCounts {
    const serving = this.#endpoints.filter((each) => this.#controller.serves(each, target))
    return sumCounts(
      serving.map((each) => each.pool.counts),
      this.#router.waiting,
    )
  }

  /** Everyone who has held a connection for longer than the leak threshold, longest first. */
  detectLeaks(): LeaseReport[] {
    return byAge(this.#set.withLeases.flatMap((each) => each.pool.leaked()))
  }

  /** Everyone who holds a connection now, longest first. */
  getHolders(): LeaseReport[] {
    return byAge(this.#set.withLeases.flatMap((each) => each.pool.holders()))
  }

  getLeakStats(): LeakStatus {
    const counts = this.#endpoints.map((each) => each.pool.leakCounts)
    return {
      enabled: this.#options.leaks !== undefined,
      thresholdMs: this.#options.leaks?.thresholdMs,
      detected: counts.reduce((sum, each) => sum + each.detected, 0),
      active: counts.reduce((sum, each) => sum + each.active, 0),
      leaks: this.detectLeaks(),
    }
  }

  /** Asks every endpoint now; resolves with the check of the one that takes writes. Never rejects. */
  async checkHealth(): Promise<HealthCheck> {
    const checks = await Promise.all(this.#endpoints.map((each) => this.#monitor.check(each)))
    const active = this.#controller.writer?.id
    return checks.find((each) => each.endpoint === active) ?? (checks[0] as HealthCheck)
  }

  getHealthStats(): HealthStats {
    return this.#monitor.history.stats
  }

  /** The latest checks, oldest first. */
  getHealthHistory(): readonly HealthCheck[] {
    return this.#monitor.history.checks
  }

  /** Starts the background checks, if `healthMonitoring` was off or they were stopped. */
  async startHealthMonitoring(): Promise<void> {
    await this.start()
    this.#logins.start()
    if (!this.#monitor.started) await this.#controller.start(this.#monitor)
  }

  /** Stops the background checks. With several endpoints this also stops automatic failover. */
  stopHealthMonitoring(): void {
    this.#monitor.stop()
    this.#logins.stop()
  }

  /** Units of work that were run again. */
  getReplayStats(): ReplayStats {
    return this.#replayer.stats
  }

  getFailoverStatus(): FailoverStatus {
    return failoverStatus(this.#endpoints, this.#controller, this.#record)
  }

  getHealthStatus(): HealthStatus {
    const writer = this.#controller.writer
    const history = this.#monitor.history.checks
    return {
      healthy: !this.closed && writer !== undefined && USABLE.has(writer.state),
      poolMetrics: this.getPoolMetrics(),
      healthCheck: history.findLast((each) => writer === undefined || each.endpoint === writer.id),
      healthStats: this.getHealthStats(),
      failoverStats: this.getFailoverStatus(),
      leakDetection: this.getLeakStats(),
    }
  }

  /** Hears one type of event. Returns the function that unsubscribes. */
  on<T extends ConnmgrEventType>(type: T, listener: Listener<T>): () => void {
    return this.#events.on(type, listener)
  }

  /** Hears every event. Returns the function that unsubscribes. */
  onAny(listener: (event: ConnmgrEvent) => void): () => void {
    return this.#events.onAny(listener)
  }

  /**
   * Closes everything: new and queued callers are rejected, idle connections close at once, lent ones are waited for
   * until the deadline and then destroyed; who still held one is reported in `poolClosed`. Always settles. A second
   * call returns the same promise.
   */
  close(options: { drainTimeoutMs?: number } = {}): Promise<void> {
    const { drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = options
    if (!(drainTimeoutMs >= 0 && drainTimeoutMs <= LONGEST_TIMEOUT_MS)) {
      return Promise.reject(
        invalid('drainTimeoutMs', drainTimeoutMs, `a number from 0 to ${LONGEST_TIMEOUT_MS}`),
      )
    }
    this.#closing ??= this.#close(drainTimeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected get clock(): Clock {
    return this.#options.clock
  }

  /** The deadline of an acquire that names none. */
  protected get acquireTimeoutMs(): number {
    return this.#options.pool.acquireTimeoutMs
  }

  protected emit(event: ConnmgrEvent): void {
    this.#events.emit(event)
  }

  /**
   * Opens a connection to the writer that no pool knows of; undefined while there is no writer. What it signals counts
   * as trouble of its endpoint, like that of any other connection.
   */
  protected async connectToWriter(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<C> | undefined> {
    const { writer } = this.#controller
    if (writer === undefined) return undefined
    const signalled = (signal: ConnectionSignal): void => {
      onSignal(signal)
      this.#controller.trouble(writer, signal.kind, signal.error.message)
    }
    return DedicatedConnection.open(writer.endpoint, signalled, abort, {
      ...this.#options.pool,
      driver: this.#driver,
      deadlines: this.#deadlines,
    })
  }

  /** Ends what a subclass has under way. Part of `close`, which waits for it. */
  protected async finish(): Promise<void> {}

  async #start(): Promise<void> {
    this.#stall.start()
    this.#maintainer.start()
    this.#watchdog.start()
    if (this.#solo) this.#endpoints[0]?.pool.maintain()
    if (this.#options.healthMonitoring || !this.#solo) {
      await this.#topology?.start()
      this.#logins.start()
      await this.#controller.start(this.#monitor)
    }
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#monitor.stop()
    this.#logins.stop()
    this.#topology?.stop()
    this.#controller.stop()
    this.#router.close()
    await Promise.all([this.finish(), this.#set.close(drainTimeoutMs)])
    await this.#started
    this.#maintainer.stop()
    this.#watchdog.stop()
    this.#stall.stop()
  }

  #paceMs(): number {
    const { failover, health } = this.#options
    const [first] = this.#endpoints
    if (!this.#solo)
      return this.#controller.urgent
        ? urgentPaceMs(this.#controller.searchingMs, failover.fastProbeIntervalMs)
        : failover.probeIntervalMs
    const failures = first?.standing.failures ?? 0
    if (failures === 0) return health.intervalMs
    // Whoever waits is served as soon after its return as with several endpoints, a proxy before them for example.
    if ((first?.pool.counts.waiting ?? 0) > 0) return failover.fastProbeIntervalMs
    // With nobody waiting it is asked again soon, and then less and less often.
    return Math.min(health.intervalMs, SOLO_RETRY_MS * 2 ** Math.min(failures, 16))
  }

  #createController(): FailoverController<C> {
    const { clock, failover, failoverMode, name } = this.#options
    const mode = failoverMode ?? (this.#driver.openProbe === undefined ? 'ordered' : 'role')
    return new FailoverController(this.#endpoints, mode, failover, {
      solo: this.#solo,
      onTrouble: () => this.#topology?.hurry(),
      name,
      clock,
      events: this.#events,
      onRoutesChanged: () => this.#router.reroute(),
      onLost: (endpoint) => this.#logins.forget(endpoint),
    })
  }

  /** Makes the endpoints those that a source names, and looks at the new ones at once. */
  #follow({ endpoints, primary }: Discovery): void {
    const { writer } = this.#controller
    // What the servers say of themselves weighs more than what others say of them.
    const { added, removed } = this.#set.apply(
      endpoints,
      (each) =>
        each.heldFor !== undefined ||
        (each === writer && (USABLE.has(each.state) || each.state === 'SUSPECT')),
    )
    for (const each of removed) {
      this.#controller.remove(each)
      this.#router.adopt(each.pool.extractWaiters(() => true))
      this.#set.retire(each, REMOVED_DRAIN_TIMEOUT_MS)
    }
    if (added.length > 0 || removed.length > 0) {
      this.#events.emit({
        type: 'topologyChanged',
        pool: this.name,
        added: added.map((each) => each.id),
        removed: removed.map((each) => each.id),
      })
      if (this.#monitor.started) for (const each of added) void this.#monitor.check(each)
    }
    if (primary !== undefined && primary !== writer?.id && this.#monitor.started)
      this.#monitor.roundAfterTrouble()
  }

  #createSet(): EndpointSet<C> {
    const { clock, failover, health, leaks, pool, poolMode } = this.#options
    const solo = this.#solo
    const environment: PoolEnvironment = {
      name: this.#options.name,
      clock,
      events: this.#events,
      deadlines: this.#deadlines,
      stall: this.#stall,
      observer: this.#observer(),
      epoch: () => this.#controller.epoch,
    }
    const probing = {
      probeTimeoutMs: solo ? health.timeoutMs : failover.probeTimeoutMs,
      probeConnectTimeoutMs: solo ? pool.connectTimeoutMs : failover.probeConnectTimeoutMs,
      ...(solo ? { retryConnectTimeoutMs: failover.probeTimeoutMs } : {}),
    }
    return new EndpointSet<C>(this.#deadlines, (endpoint, order) => {
      const tracking =
        leaks === undefined
          ? new NoLeakDetection<C>()
          : new LeakDetector<C>(leaks, clock, this.#stall)
      const PoolOfMode = poolMode === 'static' ? StaticPool : Pool
      const managed: ManagedEndpoint<C> = new ManagedEndpoint<C>(
        endpoint,
        order,
        new PoolOfMode<C>(
          endpoint,
          this.#driver,
          { ...pool, ...this.#size },
          tracking,
          environment,
        ),
        new Prober<C>(
          endpoint,
          this.#driver,
          { ...probing, onLateAnswer: () => void this.#monitor.check(managed) },
          clock,
          this.#deadlines,
          (signal) => this.#controller.trouble(managed, signal.kind, signal.error.message),
        ),
        new Date(clock.wallTime()),
      )
      return managed
    })
  }

  /** Its address may lead to another server than the one that the prober's connection was opened to. */
  async #askAnew(endpoint: ManagedEndpoint<C>): Promise<void> {
    if (!this.#monitor.started) return
    // Not under a probe that is waiting for its answer.
    await this.#monitor.check(endpoint)
    endpoint.prober.forget()
    if (this.#monitor.started) await this.#monitor.check(endpoint)
  }

  #observer(): PoolObserver {
    const trouble: FailoverController<C>['trouble'] = (...details) =>
      this.#controller.trouble(...details)
    const managed = (endpoint: Endpoint): ManagedEndpoint<C> => this.#set.of(endpoint)
    return {
      connected: (endpoint) => {
        managed(endpoint).everConnected = true
      },
      connectFailed: (endpoint, kind, error) => {
        // What is known already is no news: sessions work all the same.
        if (managed(endpoint).loginError === undefined) {
          trouble(managed(endpoint), kind, error.message)
          this.#logins.suspect(managed(endpoint))
        }
        return this.#solo && kind === 'setup' && !managed(endpoint).everConnected
          ? 'give-up'
          : 'retry'
      },
      signalled: (endpoint, signal) =>
        trouble(managed(endpoint), signal.kind, signal.error.message),
      roleMismatch: (endpoint, seen) => {
        void this.#askAnew(managed(endpoint))
        trouble(managed(endpoint), 'read-only', `it is a ${seen} now`)
      },
    }
  }
}

/** States in which an endpoint can be expected to serve. */
const USABLE: ReadonlySet<string> = new Set(['UNKNOWN', 'UP', 'PROBATION', 'BUSY'])
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1
const SOLO_RETRY_MS = 250
/** Whoever still works on an endpoint that is named no more gets this long to finish. */
const REMOVED_DRAIN_TIMEOUT_MS = 60_000

function byAge(reports: LeaseReport[]): LeaseReport[] {
  return reports.sort((a, b) => b.heldForMs - a.heldForMs)
}
