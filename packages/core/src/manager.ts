import type { ReadAcquireOptions, Reads, SessionOptions } from './catch-up/reads.js'
import type { ReadSession } from './catch-up/session.js'
import type { WriteToken } from './catch-up/write-token.js'
import type { Router } from './cluster/router.js'
import {
  CALLS,
  checkCall,
  checkCount,
  checkListener,
  checkName,
  checkWork,
} from './config/calls.js'
import { type ResolvedOptions, resolveManagerOptions } from './config/resolve.js'
import type { ConnectionSignal, Driver, Endpoint, TransactionOptions } from './driver/contract.js'
import type { DedicatedConnection } from './driver/dedicated.js'
import { Engine } from './engine.js'
import { InvalidOptionError } from './errors.js'
import { acquireChannel, isTraced, traced } from './events/channels.js'
import type { ConnmgrEvent, ConnmgrEventType, Listener } from './events/events.js'
import { outside } from './flow/outside.js'
import { Pending } from './flow/pending.js'
import type { HealthCheck, HealthStats } from './health/history.js'
import type { FunctionReference } from './leaks/stack.js'
import type { ManagerOptions } from './options.js'
import type { Lease } from './pool/lease.js'
import type { PoolMetrics } from './pool/metrics.js'
import type { AcquireOptions, PoolSettings } from './pool/options.js'
import { holdProcess } from './process/hold-process.js'
import { Siblings } from './process/siblings.js'
import { printAsJson } from './secrets/print.js'
import { redactText } from './secrets/redact-text.js'
import { Snapshots } from './snapshots.js'
import type { FailoverStatus, HealthStatus, LeakStatus } from './status.js'
import { bounded } from './time/bounded.js'
import type { Clock } from './time/clock.js'
import type { PoolCounts } from './vocabulary/counts.js'
import type { LeaseReport } from './vocabulary/lease-report.js'
import type { Target } from './vocabulary/target.js'
import { AcquireHook } from './work/acquire-hook.js'
import type { ReplayOptions, TransactionReplayOptions, UnitReplayOptions } from './work/options.js'
import { Replayer, type ReplayStats } from './work/replayer.js'
import { UnitsOfWork } from './work/work.js'

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
  static {
    printAsJson(ConnectionManager.prototype)
  }

  readonly #options: ResolvedOptions<C>
  readonly #engine: Engine<C>
  readonly #snapshots: Snapshots<C>
  readonly #replayer: Replayer
  readonly #work: UnitsOfWork<C, ManagerAcquireOptions>
  readonly #hook: AcquireHook<C> | undefined
  /** Undefined if it is meant to be one of several, within one limit. */
  readonly #siblings: Siblings | undefined
  #started: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Set before anything is closed, so that what hears of that finds it closed. */
  #closed = false
  readonly #pending = new Pending(() => void this.#engine.lookWhetherDrained())

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(config: ManagerConfig<C>) {
    const { driver, endpoints } = config
    const options = resolveManagerOptions(config.options ?? {}, driver.name)
    this.#options = options
    if (endpoints.length === 0) {
      throw new InvalidOptionError(
        'endpoints',
        'option "endpoints" must name at least one endpoint, but it is empty',
      )
    }
    this.#engine = new Engine(driver, endpoints, options)
    this.#snapshots = new Snapshots(this.#engine, options.leaks?.thresholdMs)
    if (options.budget === undefined) this.#siblings = this.#findSiblings(config)
    const { onAcquire } = options
    this.#hook =
      onAcquire &&
      new AcquireHook<C>({
        onAcquire,
        acquireTimeoutMs: options.pool.acquireTimeoutMs,
        driver,
        clock: options.clock,
        deadlines: this.#engine.deadlines,
      })
    this.#replayer = new Replayer({
      name: options.name,
      clock: options.clock,
      events: this.#engine.events,
      driver,
      deadlineMs: options.failover.failoverTimeoutMs,
      pending: this.#pending,
      closed: () => this.#engine.over,
    })
    this.#work = new UnitsOfWork({
      driver,
      clock: options.clock,
      replayer: this.#replayer,
      acquireTimeoutMs: options.pool.acquireTimeoutMs,
      acquire: (wanted, below, again) => this.lend(wanted, below, again),
      rollBackWithin: (rollback) =>
        bounded(
          this.#engine.deadlines,
          options.pool.resetTimeoutMs,
          rollback,
          () => new Error('rollback timed out'),
        ),
    })
    if (options.pool.minIdle > 0 || options.healthMonitoring || !this.#engine.solo)
      void this.#startSoon()
  }

  get name(): string {
    return this.#options.name
  }

  /** True if there is one server, and no source that may name others: then nothing is said of endpoints and failover. */
  get oneDatabase(): boolean {
    return this.#engine.solo
  }

  /** True from the first call of `close`. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Starts the health monitor and fills the pool to `minIdle`. Called by the first acquire; call it yourself to have
   * everything ready before. Resolves when every endpoint has been looked at once.
   */
  start(): Promise<void> {
    return this.#await(this.#start())
  }

  /**
   * Borrows a connection. Give it back with `release()`; `use` and `transaction` do that for you.
   *
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT`: none came free within `acquireTimeoutMs`; its phase is
   * `catch-up` if no standby had caught up with what a read with target `standby` and `after` must see
   * @throws AcquireAbortedError `CONNMGR_ACQUIRE_ABORTED`: `signal` fired
   * @throws QueueFullError `CONNMGR_QUEUE_FULL`: `maxWaiters` callers are queued already
   * @throws ConnectFailedError `CONNMGR_CONNECT_FAILED`: the server refuses for a reason that waiting does not mend
   * @throws AcquireHookError `CONNMGR_ACQUIRE_HOOK_FAILED`: `onAcquire` failed
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED`
   */
  acquire(
    options: ManagerAcquireOptions = NO_OPTIONS,
    below: FunctionReference = this.acquire,
  ): Promise<Lease<C>> {
    if (options !== NO_OPTIONS) {
      try {
        checkCall('acquire', options, CALLS.acquire)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    return this.lend(options, below)
  }

  /**
   * Lends a connection to `work` and takes it back whatever happens. With `replay: 'safe'` the work is run again when it
   * has failed and nothing that it wrote before is there to stay.
   *
   * When `signal` fires, the statement that runs is cancelled on the server, the connection is closed, and the call
   * rejects, also if the work goes on with something else.
   *
   * @throws AbortedError `CONNMGR_ABORTED`: `signal` fired; what was committed before stays
   * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if that was while a write was in flight
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
   * @throws AbortedError `CONNMGR_ABORTED` if `signal` fired before COMMIT was sent: the transaction was rolled back
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
    return this.#work.replay(work, options)
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

  /**
   * @internal The same of a single statement.
   *
   * @param atomic false if it may commit before its end: then an error of the server does not mean that it had no effect
   */
  replayStatement<T>(work: () => Promise<T>, options: ReplayOptions, atomic: boolean): Promise<T> {
    return this.#work.statement(work, options, atomic)
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
    checkCall('writeToken', options, CALLS.writeToken)
    if (this.#closed) return this.#engine.router.refuse()
    this.#begin()
    return this.#pending.track(this.#engine.reads.token(options, this.writeToken))
  }

  /**
   * Runs `work` so that what is read in it sees what was written in it, also through an ORM and through the pools:
   * reads on standbys come after the writes of the same asynchronous flow, as if each had been given a token. For the
   * length of a request, for example: the session ends when the promise settles that `work` returns, and what goes on
   * after that, such as a timer, is in none. If it returns no promise, all that it has started is in the session.
   *
   * Every lease of a primary in the flow may have written, except transactions with `readOnly`.
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
    checkWork('withSession', work)
    checkCall('withSession', options, CALLS.withSession)
    return this.#engine.reads.runSession(work, options)
  }

  /** True for what runs within `withSession`. */
  get inSession(): boolean {
    return this.#engine.reads.session !== undefined
  }

  /**
   * Resolves when callers who write can be served, at once if they can be already: a login has worked by then. Rejects with
   * the reason: at once if no server can ever let us in, as with a wrong password or a missing database, else after
   * `timeoutMs`, with what the server has said as the `cause`.
   *
   * @param options.timeoutMs `@default` startTimeoutMs
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT`: no server takes writes within `timeoutMs`
   * @throws ConnectFailedError `CONNMGR_CONNECT_FAILED`: the server refuses for a reason that waiting does not mend
   * @throws AcquireAbortedError `CONNMGR_ACQUIRE_ABORTED`: `signal` fired
   * @throws PoolClosedError `CONNMGR_POOL_CLOSED`
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.ready({ timeoutMs: 30_000 })
   * server.listen(8080)
   */
  async ready(options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    checkCall('ready', options, CALLS.ready)
    const { acquireTimeoutMs } = this.#options.pool
    const { startTimeoutMs } = this.#options
    const {
      timeoutMs = Number.isFinite(startTimeoutMs) ? startTimeoutMs : acquireTimeoutMs,
      signal,
    } = options
    if (!this.#closed && signal?.aborted !== true && this.#engine.usable) return
    const waiting = { label: 'ready', timeoutMs, ...(signal === undefined ? {} : { signal }) }
    ;(await this.lend(waiting, this.ready)).release()
  }

  /**
   * Opens connections to the server that takes writes until `count` are there. Throws what `acquire` does.
   *
   * @param count `@default` poolSize
   */
  async warmUp(count?: number): Promise<void> {
    if (count !== undefined) checkCount('count', count)
    this.#begin()
    // While there is no server to warm up, waits for one as every caller does.
    if (this.#engine.cluster.pick('primary') === undefined)
      (await this.lend({ label: 'warmUp' }, this.warmUp)).release()
    await this.#engine.cluster.pick('primary')?.pool.warmUp(count)
  }

  /**
   * Changes the size of every endpoint's pool while it is in use. A surplus closes as it comes back.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also for any other size than one with `poolMode: 'static'`
   */
  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    checkCall('resize', size, CALLS.resize)
    const { poolSize = this.#engine.size.poolSize, maxOverflow = this.#engine.size.maxOverflow } =
      size
    const poolMode = this.#options.pool.exclusive ? 'static' : 'pooled'
    resolveManagerOptions<C>({ poolSize, maxOverflow, poolMode }, this.name)
    this.#turn(() => this.#engine.resize({ poolSize, maxOverflow }))
  }

  /** Invalidates all connections: idle ones close now, lent ones when they come back. */
  clear(reason = 'requested'): void {
    checkName('reason', reason)
    this.#turn(() => {
      for (const each of this.#engine.endpoints) each.pool.clear(redactText(reason))
    })
  }

  /** Closes one connection: now if it is idle, else when it comes back. False if there is none with this id. */
  evict(connectionId: number): boolean {
    return this.#turn(() => this.#engine.endpoints.some((each) => each.pool.evict(connectionId)))
  }

  /** Holds every acquire until `resume`, within its deadline. For planned switchovers. */
  suspend(): void {
    this.#turn(() => this.#engine.router.suspend())
  }

  resume(): void {
    this.#turn(() => this.#engine.router.resume())
  }

  /**
   * Moves callers to another endpoint now. With replication the servers decide who is the primary: promote one there,
   * and this follows at once.
   *
   * @param to `host:port` or `host:port/database`; the next healthy endpoint if not given
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED`
   */
  async failover(to?: string): Promise<void> {
    if (to !== undefined) checkName('to', to)
    await this.start()
    await this.#await(this.#engine.cluster.failover(to))
  }

  /** Accepts another cluster or an older history, after the cluster has been rebuilt on purpose. */
  async reset(): Promise<void> {
    await this.start()
    await this.#await(this.#engine.cluster.reset())
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
    checkName('endpoint', endpoint)
    checkName('reason', reason)
    await this.start()
    this.#engine.cluster.quarantine(endpoint, redactText(reason))
  }

  /**
   * Puts an endpoint back into service that `quarantine` took out, if it is fit for it. Resolves when it has been probed.
   *
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if there is no such endpoint
   */
  async unquarantine(endpoint: string): Promise<void> {
    checkName('endpoint', endpoint)
    await this.start()
    await this.#await(this.#engine.cluster.unquarantine(endpoint))
  }

  /** Snapshots of the pools of all endpoints, or of one. `size` and `limit` count the pools that are in service. */
  getPoolMetrics(endpoint?: string): PoolMetrics {
    return this.#snapshots.poolMetrics(endpoint)
  }

  /** The sizes and times in force, per endpoint: what the options have come to, and sizes as `resize` has left them. */
  getPoolSettings(): PoolSettings {
    const {
      minIdle,
      acquireTimeoutMs,
      connectTimeoutMs,
      idleTimeoutMs,
      maxLifetimeMs,
      maxUses,
      allowExitOnIdle,
    } = this.#options.pool
    return {
      ...this.#engine.size,
      minIdle,
      acquireTimeoutMs,
      connectTimeoutMs,
      idleTimeoutMs,
      maxLifetimeMs,
      maxUses,
      allowExitOnIdle,
    }
  }

  /** Connections and callers of the endpoints that serve a target now. */
  getCounts(target: Target = 'any'): PoolCounts {
    return this.#snapshots.counts(target)
  }

  /** Everyone who has held a connection for longer than the leak threshold, longest first. */
  detectLeaks(): LeaseReport[] {
    return this.#snapshots.leaks()
  }

  /** Everyone who holds a connection now, longest first. */
  getHolders(): LeaseReport[] {
    return this.#snapshots.holders()
  }

  getLeakStats(): LeakStatus {
    return this.#snapshots.leakStatus()
  }

  /** Asks every endpoint now; resolves with the check of the one that takes writes. Never rejects. */
  async checkHealth(): Promise<HealthCheck> {
    const checks = await this.#await(
      Promise.all(this.#engine.endpoints.map((each) => this.#engine.monitor.check(each))),
    )
    const active = this.#engine.cluster.writer?.id
    return checks.find((each) => each.endpoint === active) ?? (checks[0] as HealthCheck)
  }

  getHealthStats(): HealthStats {
    return this.#engine.monitor.history.stats
  }

  /** The latest checks, oldest first. */
  getHealthHistory(): readonly HealthCheck[] {
    return this.#engine.monitor.history.checks
  }

  /** Starts the background checks, if `healthMonitoring` was off or they were stopped. */
  async startHealthMonitoring(): Promise<void> {
    await this.start()
    await this.#await(this.#engine.startHealthMonitoring())
  }

  /** Stops the background checks. With several endpoints this also stops automatic failover. */
  stopHealthMonitoring(): void {
    this.#engine.stopHealthMonitoring()
  }

  /** Units of work that were run again. */
  getReplayStats(): ReplayStats {
    return this.#replayer.stats
  }

  getFailoverStatus(): FailoverStatus {
    return this.#snapshots.failoverStatus()
  }

  getHealthStatus(): HealthStatus {
    return this.#snapshots.healthStatus(this.closed)
  }

  /**
   * Hears one type of event. Returns the function that unsubscribes.
   *
   * Listeners run outside of every asynchronous flow: they see no `AsyncLocalStorage` of a request that happens to be
   * running, as an event may be about another.
   */
  on<T extends ConnmgrEventType>(type: T, listener: Listener<T>): () => void {
    checkListener(listener)
    return this.#engine.events.on(type, (event) => outside(() => listener(event)))
  }

  /** Hears every event, as with `on`. Returns the function that unsubscribes. */
  onAny(listener: (event: ConnmgrEvent) => unknown): () => void {
    checkListener(listener)
    return this.#engine.events.onAny((event) => outside(() => listener(event)))
  }

  /**
   * Closes everything, within the deadline. What was requested before is served: callers who wait get their connections,
   * units of work that may be run again are. Whatever is requested from now on is refused with `CONNMGR_POOL_CLOSED`, also
   * by work that began before: end that first, as an HTTP server does that closes before its database. At the deadline
   * those who still wait are rejected, and connections that are still lent are destroyed; who held one is reported in
   * `poolClosed`. Always settles. A second call returns the same promise.
   *
   * @param options.drainTimeoutMs the deadline; `@default` 10_000
   */
  close(options: { drainTimeoutMs?: number } = {}): Promise<void> {
    try {
      checkCall('close', options, CALLS.close)
    } catch (error) {
      return Promise.reject(error)
    }
    const { drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = options
    this.#closed = true
    this.#siblings?.leave()
    this.#closing ??= this.#await(this.#close(drainTimeoutMs))
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a manager: its state, and nothing of how it logs in. */
  toJSON(): object {
    const { activeEndpoint, endpoints } = this.getFailoverStatus()
    return {
      name: this.name,
      closed: this.closed,
      activeEndpoint,
      endpoints: endpoints.map((each) => each.id),
      counts: this.getCounts(),
    }
  }

  protected get clock(): Clock {
    return this.#options.clock
  }

  /** The deadline of an acquire that names none. */
  protected get acquireTimeoutMs(): number {
    return this.#options.pool.acquireTimeoutMs
  }

  protected emit(event: ConnmgrEvent): void {
    this.#engine.report(event)
  }

  /**
   * Opens a connection to the writer that no pool knows of; undefined while there is no writer. What it signals counts
   * as trouble of its endpoint, like that of any other connection.
   */
  protected connectToWriter(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<C> | undefined> {
    return this.#engine.connectToWriter(onSignal, abort)
  }

  /** Ends what a subclass has under way. Part of `close`, which waits for it. */
  protected async finish(): Promise<void> {}

  /** Ends what a subclass needs for callers. Nobody is served any more. */
  protected cleanUp(): void {}

  /** Somebody wants a connection. */
  #begin(): void {
    if (this.#closed) return
    if (this.#started === undefined) void this.#start()
    if (!this.#engine.startUp.over) this.#engine.startUp.begin()
    if (this.#engine.resting) outside(() => void this.#engine.wake())
  }

  /** Once whoever makes it has made it whole. */
  async #startSoon(): Promise<void> {
    await undefined
    if (!this.#closed) await this.#start()
  }

  #start(): Promise<void> {
    this.#started ??= outside(() => {
      if (!this.#closed) this.#siblings?.join()
      return this.#engine.start()
    })
    return this.#started
  }

  #findSiblings({ driver, endpoints }: ManagerConfig<C>): Siblings {
    const { clock, name } = this.#options
    const first = endpoints[0] as Endpoint
    const place = [driver.name, first.id, first.account ?? '']
    return new Siblings(clock, place, (managers) =>
      this.emit({ type: 'managerDuplicated', pool: name, endpoint: first.id, managers }),
    )
  }

  /** What a caller awaits keeps the process running. */
  #await<T>(work: Promise<T>): Promise<T> {
    return holdProcess(this.clock, work)
  }

  /** Runs a change that a caller asks for; its events are delivered at its end. */
  #turn<T>(change: () => T): T {
    return this.#engine.events.turn(change)
  }

  /** True if `onAcquire` prepares each connection for its one borrower, so that callers must not share a statement. */
  get preparesLeases(): boolean {
    return this.#hook !== undefined
  }

  /**
   * @internal `acquire` for those whose options need no check: facades, and what has checked them.
   *
   * @param again for a request that was made before, and needs another connection
   */
  lend(options: ManagerAcquireOptions, below: FunctionReference, again = false): Promise<Lease<C>> {
    const { target = 'primary' } = options
    const { cluster, reads, router } = this.#engine
    if (this.#closed && !again) return router.refuse()
    this.#begin()
    const acquire = (): Promise<Lease<C>> =>
      reads.concern(options)
        ? this.#pending.track(this.#acquireBy(reads, options, target, below))
        : this.#acquireBy(router, options, target, below)
    if (!isTraced(acquireChannel)) return acquire()
    const endpoint = cluster.pick(target)?.endpoint
    return traced(acquireChannel, { endpoint, poolName: this.name }, acquire)
  }

  #acquireBy(
    way: Reads<C> | Router<C>,
    options: ManagerAcquireOptions,
    target: Target,
    below: FunctionReference,
  ): Promise<Lease<C>> {
    if (this.#hook === undefined) return way.acquire(options, target, below)
    return this.#hook.acquire((...wanted) => way.acquire(...wanted), options, target, below)
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    const { clock } = this
    const begunAt = clock.now()
    await Promise.all([
      this.finish(),
      this.#engine.windDown(drainTimeoutMs, () => this.#pending.none),
    ])
    this.#engine.quiesce(drainTimeoutMs)
    this.cleanUp()
    await this.#engine.set.close(Math.max(0, drainTimeoutMs - (clock.now() - begunAt)))
    await this.#started
    this.#engine.stop()
  }
}
