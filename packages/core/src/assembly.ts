import { Acquiring, type ManagerAcquireOptions } from './acquiring.js'
import { Reads } from './catch-up/reads.js'
import type { Cluster } from './cluster/cluster.js'
import { DedicatedConnections } from './cluster/dedicated-connections.js'
import { FailoverCluster } from './cluster/failover-cluster.js'
import {
  FAILOVER_EVENT_TYPES,
  type FailoverEvent,
  FailoverRecord,
} from './cluster/failover-record.js'
import { FixedCluster } from './cluster/fixed-cluster.js'
import { historyOf } from './cluster/history.js'
import type { ManagedEndpoint } from './cluster/managed-endpoint.js'
import { Router } from './cluster/router.js'
import type { ResolvedOptions } from './config/resolve.js'
import type { Driver, Endpoint } from './driver/contract.js'
import { EventLog } from './events/event-log.js'
import { HealthMonitor } from './health/health-monitor.js'
import { LoginProbes } from './health/login-probes.js'
import { Monitoring } from './health/monitoring.js'
import { PoolReactions } from './health/pool-reactions.js'
import { ProbePace } from './health/probe-pace.js'
import { Probers } from './health/probers.js'
import { QueryWatchdog } from './health/query-watchdog.js'
import { ReadinessTracker } from './health/readiness.js'
import { SilenceWatch } from './health/silence-watch.js'
import { StartUp } from './health/start-up.js'
import { Lifecycle } from './lifecycle.js'
import { Maintainer } from './pool/maintainer.js'
import { SharedStall } from './process/shared-stall.js'
import { Siblings } from './process/siblings.js'
import { Runtime } from './runtime.js'
import { EndpointMaker } from './topology/endpoint-maker.js'
import { EndpointSet } from './topology/endpoint-set.js'
import { EndpointSizes } from './topology/endpoint-sizes.js'
import { TopologyChanges } from './topology/topology-changes.js'
import { TopologyWatch } from './topology/topology-watch.js'
import { Replayer } from './work/replayer.js'
import { UnitsOfWork } from './work/work.js'

/** The parts of one manager, wired to each other, in the order in which they need each other. */
export class Assembly<C extends object> {
  readonly driver: Driver<C>
  readonly options: ResolvedOptions<C>
  /** No endpoint can take the place of another: there is one, or the configuration says what each is for. */
  readonly fixed: boolean
  readonly sharedStall: SharedStall
  readonly runtime: Runtime
  readonly sizes: EndpointSizes
  readonly set: EndpointSet<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  readonly startUp: StartUp<C>
  readonly probers: Probers<C>
  readonly reactions: PoolReactions<C>
  readonly cluster: Cluster<C>
  readonly maintainer: Maintainer<C>
  readonly watchdog: QueryWatchdog<C>
  readonly router: Router<C>
  readonly reads: Reads<C>
  readonly topology: TopologyWatch | undefined
  readonly monitoring: Monitoring<C>
  readonly readiness: ReadinessTracker
  readonly record = new FailoverRecord()
  readonly log: EventLog
  readonly lifecycle: Lifecycle<C>
  readonly acquiring: Acquiring<C>
  /** Undefined if the manager is meant to be one of several, within one limit. */
  readonly siblings: Siblings | undefined
  #monitor: HealthMonitor<C> | undefined
  #silence: SilenceWatch<C> | undefined
  #logins: LoginProbes<C> | undefined
  #dedicated: DedicatedConnections<C> | undefined
  #replayer: Replayer | undefined
  #work: UnitsOfWork<C, ManagerAcquireOptions> | undefined

  constructor(driver: Driver<C>, endpoints: readonly Endpoint[], options: ResolvedOptions<C>) {
    const { health, pool } = options
    this.driver = driver
    this.options = options
    this.fixed =
      options.topology === undefined &&
      (endpoints.length === 1 || endpoints.every((each) => each.role !== undefined))
    this.sharedStall = new SharedStall(options.clock)
    this.runtime = new Runtime(options, this.sharedStall.monitor, driver)
    const { runtime } = this
    this.sizes = new EndpointSizes(pool)
    this.probers = new Probers(runtime, this.#probeTimeouts(), this)
    this.reactions = new PoolReactions(this)
    this.set = new EndpointSet(runtime.deadlines, this.#endpointMaker(endpoints))
    this.endpoints = this.set.all
    const { startTimeoutMs } = options
    const { acquireTimeoutMs } = pool
    this.startUp = new StartUp(runtime, { startTimeoutMs, acquireTimeoutMs }, this)
    this.set.apply(endpoints)
    this.cluster = this.#createCluster()
    const leakMs = options.leaks?.thresholdMs ?? Number.POSITIVE_INFINITY
    this.maintainer = new Maintainer(this.set.pools, pool, leakMs, options.clock)
    this.watchdog = new QueryWatchdog(runtime, options.queryTimeoutMs, this)
    this.router = new Router(runtime, this.endpoints, this.cluster, pool.maxWaiters)
    const { cluster, router } = this
    this.reads = new Reads(runtime, options.reads, { driver, cluster, router, acquireTimeoutMs })
    if (options.topology !== undefined) {
      const changes = new TopologyChanges(runtime, this)
      this.topology = new TopologyWatch(runtime, options.topology, endpoints, changes)
    }
    this.monitoring = new Monitoring(runtime, health.restAfterMs, this)
    this.log = new EventLog(runtime.events, options.logger, this.solo)
    const times = { ...health, startTimeoutMs }
    this.readiness = new ReadinessTracker(options.clock, times, () => this.monitoring.standing)
    this.lifecycle = new Lifecycle(this)
    this.acquiring = new Acquiring(this)
    if (options.budget === undefined) this.siblings = this.#findSiblings(endpoints)
    this.#listen()
  }

  /** True if there is one endpoint, and no source that may name others. */
  get solo(): boolean {
    return this.fixed && this.endpoints.length === 1
  }

  // What follows is made when it is first used: a process that starts has its first answer without it.

  get monitor(): HealthMonitor<C> {
    const { failover, health } = this.options
    this.#monitor ??= new HealthMonitor(
      this.runtime,
      health.history,
      new ProbePace(failover, health.intervalMs, this),
      this,
    )
    return this.#monitor
  }

  /** The monitor while it runs. */
  get probing(): HealthMonitor<C> | undefined {
    return this.#monitor?.started === true ? this.#monitor : undefined
  }

  /** Of several endpoints each is probed often enough. */
  get silence(): SilenceWatch<C> | undefined {
    const [only] = this.endpoints
    if (this.solo && only !== undefined)
      this.#silence ??= new SilenceWatch(this.runtime, only, this.monitor)
    return this.#silence
  }

  get logins(): LoginProbes<C> {
    this.#logins ??= new LoginProbes(this.runtime, this.#loginOptions(), this)
    return this.#logins
  }

  get dedicated(): DedicatedConnections<C> {
    this.#dedicated ??= new DedicatedConnections(this.runtime, this.options.pool, this)
    return this.#dedicated
  }

  get replayer(): Replayer {
    this.#replayer ??= this.#createReplayer()
    return this.#replayer
  }

  get work(): UnitsOfWork<C, ManagerAcquireOptions> {
    this.#work ??= this.#createWork()
    return this.#work
  }

  poolDrained(): void {
    void this.lifecycle.lookWhetherDrained()
  }

  #probeTimeouts() {
    const { failover, health } = this.options
    const { probeConnectTimeoutMs, probeTimeoutMs } = failover
    if (!this.fixed) return { probeTimeoutMs, probeConnectTimeoutMs }
    return {
      probeTimeoutMs: health.timeoutMs,
      probeConnectTimeoutMs: health.timeoutMs,
      retryConnectTimeoutMs: probeTimeoutMs,
    }
  }

  #loginOptions() {
    const { failover } = this.options
    // A single server is probed too rarely for that, and its own connects tell.
    return this.fixed ? { ...failover, loginProbeMs: Number.POSITIVE_INFINITY } : failover
  }

  #endpointMaker(configured: readonly Endpoint[]) {
    const { budget, failover, leaks, pool } = this.options
    const options = { pool, leaks, budget, patienceMs: failover.probeTimeoutMs }
    const maker = new EndpointMaker(this.runtime, options, configured, this)
    return (endpoint: Endpoint, order: number) => maker.make(endpoint, order)
  }

  #createCluster(): Cluster<C> {
    const { failover, failoverMode } = this.options
    const { replication } = this.driver
    const mode = failoverMode ?? (replication === undefined ? 'ordered' : 'role')
    const Kind = this.fixed ? FixedCluster : FailoverCluster
    return new Kind(this.endpoints, mode, failover, {
      runtime: this.runtime,
      history: historyOf(replication),
      onTrouble: () => this.topology?.hurry(),
      onRoutesChanged: () => this.router.reroute(),
      onLost: (endpoint) => this.logins.forget(endpoint),
    })
  }

  #createReplayer(): Replayer {
    const { driver, lifecycle, options, runtime } = this
    return new Replayer(runtime, {
      driver,
      deadlineMs: options.failover.failoverTimeoutMs,
      pending: lifecycle.pending,
      closed: () => lifecycle.over,
    })
  }

  #createWork(): UnitsOfWork<C, ManagerAcquireOptions> {
    const { acquiring, driver, replayer } = this
    const { acquireTimeoutMs, resetTimeoutMs } = this.options.pool
    return new UnitsOfWork(this.runtime, {
      driver,
      replayer,
      acquireTimeoutMs,
      rollbackTimeoutMs: resetTimeoutMs,
      acquire: (wanted, below, again) => acquiring.acquire(acquiring.request(wanted, below), again),
    })
  }

  #findSiblings([first]: readonly Endpoint[]): Siblings {
    const { id = '', account = '' } = first ?? {}
    const { clock, name } = this.runtime
    return new Siblings(clock, [this.driver.name, id, account], (managers) =>
      this.log.report({ type: 'managerDuplicated', pool: name, endpoint: id, managers }),
    )
  }

  #listen(): void {
    const { clock, events } = this.runtime
    for (const type of ['endpointStateChanged', 'clusterStateChanged'] as const)
      events.on(type, () => void this.readiness.current)
    for (const type of FAILOVER_EVENT_TYPES) {
      events.on(type, (event) =>
        this.record.add(event as FailoverEvent, new Date(clock.wallTime())),
      )
    }
  }
}
