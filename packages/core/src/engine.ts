import { Reads } from './catch-up/reads.js'
import type { Cluster } from './cluster/cluster.js'
import { FailoverController } from './cluster/failover-controller.js'
import {
  FAILOVER_EVENT_TYPES,
  type FailoverEvent,
  FailoverRecord,
} from './cluster/failover-record.js'
import { FixedCluster } from './cluster/fixed-cluster.js'
import { historyOf } from './cluster/history.js'
import { ManagedEndpoint, type Origin } from './cluster/managed-endpoint.js'
import { Router } from './cluster/router.js'
import { stateIs } from './cluster/states.js'
import { urgentPaceMs } from './cluster/writer-search.js'
import type { ResolvedOptions } from './config/resolve.js'
import type { ConnectionSignal, Driver, Endpoint } from './driver/contract.js'
import { DedicatedConnection } from './driver/dedicated.js'
import { messageOf } from './errors.js'
import { EventEmitter } from './events/emitter.js'
import type { ConnmgrEvent, ConnmgrEventType } from './events/events.js'
import { LOGGED_EVENT_TYPES, logEvent, loggedBy } from './events/log.js'
import { currentEffects } from './flow/effects.js'
import { outside } from './flow/outside.js'
import type { EndpointProber } from './health/endpoint-prober.js'
import { HealthMonitor } from './health/health-monitor.js'
import { LoginProbes } from './health/login-probes.js'
import { PoolStandIn } from './health/pool-stand-in.js'
import { Prober, type ProberOptions } from './health/prober.js'
import { QueryWatchdog } from './health/query-watchdog.js'
import { ReadinessTracker, type Standing } from './health/readiness.js'
import { Rest } from './health/rest.js'
import type { ProberCallbacks } from './health/server-watch.js'
import { SharedProber } from './health/shared-prober.js'
import { SilenceWatch } from './health/silence-watch.js'
import { standingOf, WELL } from './health/standing.js'
import { StartUp } from './health/start-up.js'
import { LeakDetector, NoLeakDetection } from './leaks/leak-detector.js'
import { Drain } from './pool/drain.js'
import type { PoolEnvironment, PoolObserver } from './pool/environment.js'
import { Maintainer } from './pool/maintainer.js'
import { Pool } from './pool/pool.js'
import { SharedStall } from './process/shared-stall.js'
import { SqlReports, withoutQuoted } from './secrets/sql-reports.js'
import { Deadlines } from './time/deadlines.js'
import type { StallMonitor } from './time/stall.js'
import { EndpointSet } from './topology/endpoint-set.js'
import type { Discovery } from './topology/source.js'
import { TopologyWatch } from './topology/topology-watch.js'
import type { EndpointState } from './vocabulary/states.js'

/** Pause before a single endpoint that has failed is asked again; doubles with every failure. */
const SOLO_RETRY_MS = 250
/** The same while callers wait, of one that refuses for a reason that only a person can mend. */
const REFUSED_RETRY_MS = 1000
/** The session in which a single endpoint is probed is not kept for longer pauses than this. */
const LONGEST_KEPT_MS = 5000
/** Reactions of promises between two acquires of one request. */
const TURNS = 8
/** Whoever still works on an endpoint that is named no more gets this long to finish. */
const REMOVED_DRAIN_TIMEOUT_MS = 60_000

const LOGGED: ReadonlySet<string> = new Set(LOGGED_EVENT_TYPES)

type PoolSize = Required<NonNullable<Endpoint['size']>>

/** The working parts of a manager, wired to each other: what one of them finds out is told to those that act on it. */
export class Engine<C extends object> {
  readonly events: EventEmitter
  readonly deadlines: Deadlines
  readonly set: EndpointSet<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly record = new FailoverRecord()
  readonly cluster: Cluster<C>
  readonly monitor: HealthMonitor<C>
  readonly router: Router<C>
  readonly reads: Reads<C>
  readonly startUp: StartUp
  readonly readiness: ReadinessTracker
  readonly #driver: Driver<C>
  readonly #options: ResolvedOptions<C>
  readonly #sharedStall: SharedStall
  readonly #stall: StallMonitor
  /** Of what runs in the background, which keeps no process running. */
  readonly #background: Deadlines
  /** The ids of the endpoints in the options. */
  readonly #configured: ReadonlySet<string>
  readonly #sql: SqlReports
  /** No endpoint can take the place of another: there is one, or the configuration says what each is for. */
  readonly #fixed: boolean
  readonly #topology: TopologyWatch | undefined
  readonly #maintainer: Maintainer<C>
  readonly #watchdog: QueryWatchdog<C>
  /** Of several endpoints each is probed often enough. */
  readonly #silence: SilenceWatch<C> | undefined
  readonly #logins: LoginProbes<C>
  readonly #drain: Drain
  #size: PoolSize
  readonly #rest: Rest
  /** Settles when the latest pause has ended for good. */
  #waking = Promise.resolve()
  /** Connections that no pool knows of. */
  readonly #dedicated = new Set<DedicatedConnection<C>>()
  /** The types of events that are logged. */
  readonly #logged = new Set<ConnmgrEventType>()
  #quiet = false
  #isIdle = (): boolean => true

  constructor(driver: Driver<C>, endpoints: readonly Endpoint[], options: ResolvedOptions<C>) {
    this.#driver = driver
    this.#options = options
    this.#size = { poolSize: options.pool.poolSize, maxOverflow: options.pool.maxOverflow }
    this.#sql = new SqlReports(
      options.reportSql,
      driver.statements?.fingerprint.bind(driver.statements),
    )
    this.events = new EventEmitter(
      options.name,
      options.clock,
      options.reportSql === 'text' ? undefined : (event) => withoutQuoted(event),
    )
    this.#sharedStall = new SharedStall(options.clock)
    this.#stall = this.#sharedStall.monitor
    this.deadlines = new Deadlines(options.clock, this.#stall)
    this.#background = new Deadlines(options.clock, this.#stall, false)
    this.#drain = new Drain({ clock: options.clock, deadlines: this.deadlines })
    this.startUp = this.#createStartUp()
    this.#fixed =
      options.topology === undefined &&
      (endpoints.length === 1 || endpoints.every((each) => each.role !== undefined))
    this.set = this.#createSet()
    this.#configured = new Set(endpoints.map((each) => each.id))
    this.set.apply(endpoints)
    this.endpoints = this.set.all
    this.cluster = this.#createCluster()
    this.monitor = new HealthMonitor(this.endpoints, options.health.history, {
      name: options.name,
      clock: options.clock,
      events: this.events,
      paceMs: () => this.#paceMs(),
      // It may be the very connection that a caller lacks.
      keepsSession: ({ standIn, state }) =>
        !this.resting &&
        !(standIn.short && answered(state)) &&
        (!this.#fixed || this.#paceMs() <= LONGEST_KEPT_MS),
      onOutcome: (endpoint, outcome) => {
        if (outcome.ok) {
          // That others log in says nothing of our own credentials.
          if (outcome.elsewhere !== true) this.startUp.end()
        } else if (!outcome.timedOut)
          this.startUp.refused(endpoint.id, outcome.error, outcome.kind === 'setup')
        this.cluster.observe(endpoint, outcome)
      },
    })
    this.#maintainer = new Maintainer(
      this.set.pools,
      options.pool,
      options.leaks?.thresholdMs ?? Number.POSITIVE_INFINITY,
      options.clock,
    )
    const [only] = this.endpoints
    if (this.solo && only !== undefined) {
      this.#silence = new SilenceWatch(only, {
        clock: options.clock,
        stall: this.#stall,
        probe: (endpoint) => this.monitor.check(endpoint),
        probing: (endpoint) => this.monitor.isChecking(endpoint),
      })
    }
    this.#watchdog = new QueryWatchdog(this.endpoints, options.queryTimeoutMs, {
      name: options.name,
      clock: options.clock,
      stall: this.#stall,
      events: this.events,
      sql: this.#sql,
      check: (endpoint) => this.monitor.check(endpoint),
    })
    this.#logins = new LoginProbes(
      this.endpoints,
      driver,
      {
        ...options.failover,
        // A single server is probed too rarely for that, and its own connects tell.
        ...(this.#fixed ? { loginProbeMs: Number.POSITIVE_INFINITY } : {}),
      },
      {
        name: options.name,
        clock: options.clock,
        deadlines: this.#background,
        events: this.events,
        onEnding: (endpoint, error) => this.cluster.drain(endpoint, messageOf(error)),
        onFull: (endpoint) => {
          endpoint.standIn.refused()
          this.monitor.releaseSession(endpoint)
        },
        onMoved: (endpoint) => void this.#askAnew(endpoint),
      },
    )
    this.router = new Router(
      options.name,
      this.endpoints,
      this.cluster,
      options.pool.maxWaiters,
      options.clock,
      this.events,
    )
    this.reads = new Reads(options.reads, {
      name: options.name,
      driver,
      clock: options.clock,
      deadlines: this.deadlines,
      cluster: this.cluster,
      router: this.router,
      acquireTimeoutMs: options.pool.acquireTimeoutMs,
    })
    this.#topology =
      options.topology &&
      new TopologyWatch(options.topology, endpoints, {
        name: options.name,
        clock: options.clock,
        deadlines: this.#background,
        events: this.events,
        onDiscovery: (discovery) => this.#follow(discovery),
        present: () => this.set.all.map((each) => each.endpoint),
        urgent: () => this.cluster.urgent,
      })
    for (const type of loggedBy(options.logger)) this.#log(type)
    this.readiness = new ReadinessTracker(
      options.clock,
      { ...options.health, startTimeoutMs: options.startTimeoutMs },
      () => this.#standing,
    )
    this.#rest = new Rest({
      clock: options.clock,
      restAfterMs: options.health.restAfterMs,
      uses: () => this.endpoints.reduce((sum, { pool }) => sum + pool.leases.totals.checkouts, 0),
      isBusy: () => this.#isBusy,
      onRest: () => this.#leaveAlone(),
    })
    for (const type of ['endpointStateChanged', 'clusterStateChanged'] as const)
      this.events.on(type, () => void this.readiness.current)
    for (const type of FAILOVER_EVENT_TYPES) {
      this.events.on(type, (event) =>
        this.record.add(event as FailoverEvent, new Date(options.clock.wallTime())),
      )
    }
  }

  /** Emits an event of the driver's package. */
  report(event: ConnmgrEvent): void {
    if (!LOGGED.has(event.type)) this.#log(event.type)
    this.events.emit(event)
  }

  #log(type: ConnmgrEventType): void {
    if (this.#logged.has(type)) return
    this.#logged.add(type)
    const { logger } = this.#options
    this.events.on(type, (event) => outside(() => logEvent(logger, event, this.solo)))
  }

  get size(): PoolSize {
    return this.#size
  }

  resize(size: PoolSize): void {
    this.#size = size
    for (const { endpoint, pool } of this.endpoints)
      if (endpoint.size === undefined) pool.resize(sizeOf(endpoint, size))
  }

  async start(): Promise<void> {
    if (this.#quiet) return
    // After a stop of the whole process nobody knows which sockets have survived.
    this.#sharedStall.start(() => {
      for (const each of this.endpoints) each.pool.suspectAll()
    })
    this.#maintainer.start()
    this.#watchdog.start()
    if (this.#fixed) for (const { pool } of this.endpoints) pool.maintain()
    if (this.#options.healthMonitoring || !this.#fixed) {
      await this.#topology?.start()
      if (this.#quiet) return
      this.#logins.start()
      this.#silence?.start()
      await this.cluster.start(this.monitor)
      if (!this.#quiet) this.#rest.start()
    }
  }

  async startHealthMonitoring(): Promise<void> {
    if (this.#quiet) return
    if (this.resting) return this.wake()
    await this.#startChecks()
    if (!this.#quiet) this.#rest.start()
  }

  stopHealthMonitoring(): void {
    if (this.resting) this.#serveAgain()
    this.#rest.stop()
    this.#stopChecks()
  }

  /** Whether monitoring is paused until the next acquire. */
  get resting(): boolean {
    return this.#rest.resting
  }

  /**
   * Resumes monitoring for a caller who wants a connection. With several servers all are probed before any caller is routed,
   * because another one may have been promoted meanwhile.
   */
  wake(): Promise<void> {
    if (this.#rest.end()) this.#waking = this.#resume()
    return this.#waking
  }

  async #resume(): Promise<void> {
    this.#serveAgain()
    if (!this.#fixed) this.router.hold(true)
    try {
      await this.#topology?.start()
      if (!this.#quiet) await this.#startChecks()
    } finally {
      this.router.hold(false)
    }
  }

  async #startChecks(): Promise<void> {
    this.#logins.start()
    this.#silence?.start()
    if (!this.monitor.started) await this.cluster.start(this.monitor)
  }

  #stopChecks(): void {
    this.monitor.stop()
    this.#logins.stop()
    this.#silence?.stop()
  }

  /** Stops probing every server, and opens no connection in reserve. */
  #leaveAlone(): void {
    this.#topology?.rest()
    this.#stopChecks()
    for (const each of this.endpoints) {
      if (each.prober.shared === undefined) each.prober.forget()
      each.pool.serverChanged({ watched: false })
    }
  }

  /** Distrusts every connection: its server may have closed it or changed its role meanwhile. */
  #serveAgain(): void {
    for (const { pool } of this.endpoints) pool.serverChanged({ watched: true })
    this.#maintainer.wake()
  }

  /** True also while something is wrong, so that monitoring notices when that ends. */
  get #isBusy(): boolean {
    for (const each of this.#dedicated)
      if (this.#driver.inspect(each.connection) === 'broken') this.#dedicated.delete(each)
    const { impaired, unusable } = this.#standing
    return (
      this.#dedicated.size > 0 ||
      this.router.waiting > 0 ||
      unusable !== undefined ||
      impaired !== undefined ||
      this.endpoints.some(({ pool }) => pool.load > 0 || pool.counts.connecting > 0)
    )
  }

  /** During a pause the standing is the one from before. */
  get #standing(): Standing {
    return this.resting
      ? WELL
      : standingOf(this.endpoints, this.cluster.writer, this.startUp, this.solo)
  }

  /** True if there is one endpoint, and no source that may name others. */
  get solo(): boolean {
    return this.#fixed && this.endpoints.length === 1
  }

  /** Whether callers who write can be served at this moment. */
  get usable(): boolean {
    return this.#standing.unusable === undefined
  }

  /** True once nobody is served any more. */
  get over(): boolean {
    return this.#drain.over
  }

  /**
   * Serves those who have come, and closes whatever they leave, until nothing is under way or the time has passed. All goes
   * on meanwhile: should the writer be lost, another serves them.
   *
   * @param idle whether nothing is under way that shows in no pool
   */
  async windDown(timeoutMs: number, idle: () => boolean): Promise<void> {
    this.#drain.windDown()
    this.#topology?.stop()
    this.#isIdle = idle
    this.events.turn(() => {
      for (const each of this.endpoints) each.pool.windDown()
    })
    if (this.#drained) return
    const stops = this.events.on('acquireFailed', () => void this.lookWhetherDrained())
    await this.#drain.wait(timeoutMs, () => {})
    stops()
  }

  /** Something that was under way has ended. */
  async lookWhetherDrained(): Promise<void> {
    if (!this.#drain.begun || !this.#drained) return
    // Whoever has just given a connection back may go on with another at once.
    for (let turn = 0; turn < TURNS; turn += 1) await undefined
    if (this.#drained) this.#drain.done()
  }

  get #drained(): boolean {
    return (
      this.router.waiting === 0 &&
      this.#isIdle() &&
      this.endpoints.every((each) => each.pool.isEmpty)
    )
  }

  /** Stops deciding anything for good, and lets nobody in any more. `stop` follows, once all is closed. */
  quiesce(drainTimeoutMs: number): void {
    this.#quiet = true
    this.#drain.over = true
    this.#rest.stop()
    this.#stopChecks()
    this.#topology?.stop()
    this.cluster.stop()
    this.startUp.end()
    this.router.close(drainTimeoutMs)
  }

  stop(): void {
    this.#maintainer.stop()
    this.#watchdog.stop()
    this.#sharedStall.stop()
  }

  /**
   * Opens a connection to the writer that no pool knows of; undefined while there is no writer. What it signals counts
   * as trouble of its endpoint, like that of any other connection.
   */
  async connectToWriter(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<C> | undefined> {
    await this.wake()
    const { writer } = this.cluster
    if (writer === undefined) return undefined
    const signalled = (signal: ConnectionSignal): void => {
      onSignal(signal)
      this.cluster.trouble(writer, signal.kind, messageOf(signal.error))
    }
    const opened = await DedicatedConnection.open(writer.endpoint, signalled, abort, {
      ...this.#options.pool,
      driver: this.#driver,
      deadlines: this.deadlines,
    })
    this.#dedicated.add(opened)
    return opened
  }

  #paceMs(): number {
    const { failover, health } = this.#options
    if (!this.#fixed)
      return this.cluster.urgent
        ? urgentPaceMs(this.cluster.searchingMs, failover.fastProbeIntervalMs)
        : failover.probeIntervalMs
    const first = this.endpoints.reduce((worst, each) =>
      each.standing.failures > worst.standing.failures ? each : worst,
    )
    const { failures } = first.standing
    if (failures === 0) return health.intervalMs
    // Whoever waits is served as soon after its return as with several endpoints, a proxy before them for example.
    if (first.pool.counts.waiting > 0)
      return first.state === 'QUARANTINED' ? REFUSED_RETRY_MS : failover.fastProbeIntervalMs
    // Connections to it come about: the server is back, even if the latest probe failed.
    if (first.pool.counts.total > 0) return SOLO_RETRY_MS
    // With nobody waiting it is asked again soon, and then less and less often.
    return Math.min(health.intervalMs, SOLO_RETRY_MS * 2 ** Math.min(failures, 16))
  }

  #createCluster(): Cluster<C> {
    const { clock, failover, failoverMode, name } = this.#options
    const { replication } = this.#driver
    const mode = failoverMode ?? (replication === undefined ? 'ordered' : 'role')
    const Kind = this.#fixed ? FixedCluster : FailoverController
    return new Kind(this.endpoints, mode, failover, {
      history: historyOf(replication),
      onTrouble: () => this.#topology?.hurry(),
      name,
      clock,
      events: this.events,
      onRoutesChanged: () => this.router.reroute(),
      onLost: (endpoint) => this.#logins.forget(endpoint),
    })
  }

  /** Makes the endpoints those that a source names, and looks at the new ones at once. */
  #follow({ endpoints, primary }: Discovery): void {
    const { writer } = this.cluster
    // What the servers say of themselves weighs more than what others say of them.
    const { added, removed } = this.set.apply(
      endpoints,
      (each) =>
        each.heldFor !== undefined ||
        (each === writer && (stateIs(each.state, 'expected') || each.state === 'SUSPECT')),
    )
    for (const each of removed) {
      this.cluster.remove(each)
      this.router.adopt(each.pool.queue.extract(() => true))
      this.set.retire(each, REMOVED_DRAIN_TIMEOUT_MS)
    }
    if (added.length > 0 || removed.length > 0) {
      this.events.emit({
        type: 'topologyChanged',
        pool: this.#options.name,
        added: added.map((each) => each.id),
        removed: removed.map((each) => each.id),
      })
      if (this.monitor.started) for (const each of added) void this.monitor.check(each)
    }
    if (primary !== undefined && primary !== writer?.id && this.monitor.started)
      this.monitor.roundAfterTrouble()
  }

  #createStartUp(): StartUp {
    const { clock, name, pool, startTimeoutMs } = this.#options
    const { acquireTimeoutMs } = pool
    return new StartUp({
      name,
      clock,
      // Callers keep the process by their own deadlines.
      deadlines: this.#background,
      events: this.events,
      startTimeoutMs,
      acquireTimeoutMs,
      endpoints: () => this.endpoints.map((each) => each.id),
      giveUp: (errorFor) => {
        this.router.giveUp(acquireTimeoutMs, errorFor)
        for (const each of this.endpoints) each.pool.queue.giveUp(acquireTimeoutMs, errorFor)
      },
    })
  }

  #createSet(): EndpointSet<C> {
    const { clock, failover, health, leaks, pool: poolOptions } = this.#options
    const solo = this.#fixed
    const environment: PoolEnvironment = {
      name: this.#options.name,
      clock,
      events: this.events,
      deadlines: this.deadlines,
      stall: this.#stall,
      sql: this.#sql,
      observer: this.#observer(),
      budget: this.#options.budget,
      epoch: () => this.cluster.epoch,
      effects: currentEffects,
    }
    const probing = {
      probeTimeoutMs: solo ? health.timeoutMs : failover.probeTimeoutMs,
      probeConnectTimeoutMs: solo ? health.timeoutMs : failover.probeConnectTimeoutMs,
      ...(solo ? { retryConnectTimeoutMs: failover.probeTimeoutMs } : {}),
    }
    return new EndpointSet<C>(this.deadlines, (endpoint, order) => {
      const tracking =
        leaks === undefined ? new NoLeakDetection() : new LeakDetector(leaks, clock, this.#stall)
      const pool = new Pool<C>(
        endpoint,
        this.#driver,
        { ...poolOptions, ...sizeOf(endpoint, this.#size) },
        tracking,
        environment,
      )
      const standIn = new PoolStandIn(pool, {
        clock,
        solo,
        capacity: endpoint.capacity,
        patienceMs: failover.probeTimeoutMs,
        trusted: () => stateIs(managed.state, 'open'),
        known: () => managed.result,
        classify: (error) => this.#driver.classify(error),
      })
      const managed: ManagedEndpoint<C> = new ManagedEndpoint<C>(
        endpoint,
        order,
        pool,
        this.#createProber(
          endpoint,
          { ...probing, times: pool.server.times, standIn },
          {
            onLateAnswer: () => void this.monitor.check(managed),
            onSignal: ({ error, kind }) => this.cluster.trouble(managed, kind, messageOf(error)),
          },
        ),
        standIn,
        new Date(clock.wallTime()),
        this.#originOf(endpoint),
      )
      // It has to be asked first whether it is one of ours.
      if (managed.origin !== 'configured') managed.pool.serverChanged({ serving: false })
      return managed
    })
  }

  /** Managers of one process that would ask a server the same ask it together. */
  #createProber(
    endpoint: Endpoint,
    { standIn, times, ...options }: Omit<ProberOptions, 'onLateAnswer'>,
    own: ProberCallbacks,
  ): EndpointProber {
    const { clock } = this.#options
    const driver = this.#driver
    const createProber = ({ onLateAnswer, onSignal }: ProberCallbacks): Prober<C> =>
      new Prober(
        endpoint,
        driver,
        { ...options, standIn, times, onLateAnswer },
        clock,
        this.#background,
        onSignal,
      )
    const scope = driver.replication?.probeScope(endpoint)
    if (scope === undefined) return createProber(own)
    return new SharedProber([driver.name, options, scope.server], scope.database, {
      clock,
      createProber,
      onSignal: own.onSignal,
      order: historyOf(driver.replication).order,
      isOfDatabase: (error) => driver.replication?.isOfDatabase(error) === true,
    })
  }

  #originOf({ id, resolvedFrom }: Endpoint): Origin {
    if (this.#configured.has(id)) return 'configured'
    const followed = resolvedFrom !== undefined && this.#configured.has(resolvedFrom)
    return followed ? 'resolved' : 'discovered'
  }

  /** Its address may lead to another server than the one that the prober's connection was opened to. */
  async #askAnew(endpoint: ManagedEndpoint<C>): Promise<void> {
    if (!this.monitor.started) return
    // Not under a probe that is waiting for its answer.
    await this.monitor.check(endpoint)
    endpoint.prober.forget()
    if (this.monitor.started) await this.monitor.check(endpoint)
  }

  /** Our database is refused, whatever the servers answer about others: they are asked about ours. */
  #separate(): void {
    for (const each of this.endpoints) {
      const { shared } = each.prober
      if (shared?.separate() === true && this.monitor.started) this.monitor.checkAfterTrouble(each)
    }
  }

  #observer(): PoolObserver {
    const driver = this.#driver
    const trouble: Cluster<C>['trouble'] = (...details) => {
      // A server may end idle sessions while monitoring is paused, for example to scale to zero.
      if (!this.resting) this.cluster.trouble(...details)
    }
    const managed = (endpoint: Endpoint): ManagedEndpoint<C> => this.set.of(endpoint)
    return {
      connected: (endpoint) => {
        const { prober, state } = managed(endpoint)
        managed(endpoint).everConnected = true
        this.#maintainer.wake()
        managed(endpoint).standIn.connected()
        prober.shared?.wake()
        if (!this.startUp.over) {
          this.startUp.end()
          void this.readiness.current
        }
        // A single one is asked ever more rarely while it does not answer, and is back before that.
        if (!answered(state) && this.monitor.started) {
          this.monitor.checkAfterTrouble(managed(endpoint))
          this.monitor.hurry()
        }
      },
      connectFailed: (endpoint, kind, error, asked) => {
        this.startUp.refused(endpoint.id, error, kind === 'setup')
        managed(endpoint).standIn.connectFailed(kind)
        if (kind === 'busy') this.monitor.releaseSession(managed(endpoint))
        if (driver.replication?.isOfDatabase(error) === true) this.#separate()
        // What is known already is no news: sessions work all the same.
        if (!asked && managed(endpoint).loginError === undefined) {
          trouble(managed(endpoint), kind, messageOf(error))
          this.#logins.suspect(managed(endpoint))
        }
        // The next attempt meets the same mistake, wherever it leads.
        if (kind === 'defect') return 'give-up'
        return this.#fixed && kind === 'setup' && !managed(endpoint).everConnected
          ? 'give-up'
          : 'retry'
      },
      signalled: (endpoint, signal) =>
        trouble(managed(endpoint), signal.kind, messageOf(signal.error)),
      drained: () => void this.lookWhetherDrained(),
      roleMismatch: (endpoint, seen) => {
        void this.#askAnew(managed(endpoint))
        trouble(managed(endpoint), 'read-only', `it is a ${seen} now`)
      },
    }
  }
}

/** How many connections an endpoint may have: as many as it says itself, or else the manager, and no more than it bears. */
function sizeOf(
  { capacity = Number.POSITIVE_INFINITY, size }: Endpoint,
  usual: PoolSize,
): PoolSize {
  const wanted = size ?? usual
  const poolSize = Math.min(wanted.poolSize, capacity)
  return { poolSize, maxOverflow: Math.min(wanted.maxOverflow, capacity - poolSize) }
}

/** Whether the latest probe was answered, if there was one. */
function answered(state: EndpointState): boolean {
  return state === 'UNKNOWN' || stateIs(state, 'answers')
}
