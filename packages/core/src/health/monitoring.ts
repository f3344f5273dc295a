import type { Cluster } from '../cluster/cluster.js'
import type { DedicatedConnections } from '../cluster/dedicated-connections.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Router } from '../cluster/router.js'
import type { Maintainer } from '../pool/maintainer.js'
import type { Runtime } from '../runtime.js'
import type { TopologyWatch } from '../topology/topology-watch.js'
import { HeadStart } from './head-start.js'
import type { HealthMonitor } from './health-monitor.js'
import type { LoginProbes } from './login-probes.js'
import type { Standing } from './readiness.js'
import { Rest } from './rest.js'
import type { SilenceWatch } from './silence-watch.js'
import { standingOf, WELL } from './standing.js'
import type { StartUp } from './start-up.js'

export interface MonitoringParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly dedicated: DedicatedConnections<C>
  readonly endpoints: readonly ManagedEndpoint<C>[]
  /** No endpoint can take the place of another. */
  readonly fixed: boolean
  readonly logins: LoginProbes<C>
  readonly maintainer: Maintainer<C>
  readonly monitor: HealthMonitor<C>
  readonly options: { readonly healthMonitoring: boolean }
  readonly router: Router<C>
  readonly silence: SilenceWatch<C> | undefined
  /** There is one endpoint, and never another. */
  readonly solo: boolean
  readonly startUp: StartUp<C>
  readonly topology: TopologyWatch | undefined
}

/** All that watches the servers of a manager, which pauses after a time without use until a caller acquires again. */
export class Monitoring<C extends object> {
  readonly #parts: MonitoringParts<C>
  readonly #headStart: HeadStart
  readonly #rest: Rest
  /** Settles when the latest pause has ended for good. */
  #waking = Promise.resolve()
  #ended = false
  /** Whether its checks run. */
  #checking = false
  #on: boolean

  /** @param restAfterMs infinity for never */
  constructor(runtime: Runtime, restAfterMs: number, parts: MonitoringParts<C>) {
    this.#parts = parts
    // Several servers are watched in any case, as that decides which one takes writes.
    this.#on = parts.options.healthMonitoring || !parts.fixed
    this.#headStart = new HeadStart(runtime.clock)
    this.#rest = new Rest(runtime, {
      restAfterMs,
      uses: () => parts.endpoints.reduce((sum, { pool }) => sum + pool.leases.totals.checkouts, 0),
      isBusy: () => this.#isBusy(),
      onRest: () => this.#pause(),
    })
  }

  /** Whether servers are probed in the background, or will be once it has started or its pause is over. */
  get on(): boolean {
    return this.#on
  }

  /** Whether it is paused until the next acquire. */
  get resting(): boolean {
    return this.#rest.resting
  }

  /** How things stand; during a pause, well, as before. */
  get standing(): Standing {
    const { cluster, endpoints, solo, startUp } = this.#parts
    return this.resting ? WELL : standingOf(endpoints, cluster.writer, startUp, solo)
  }

  /** Resolves when every endpoint has been seen once. */
  async start(): Promise<void> {
    if (this.#ended) return
    this.#on = true
    if (this.resting) return this.wake()
    await this.#startChecks()
    if (!this.#ended) this.#rest.start()
  }

  /**
   * Starts it for the first time. On a single server nothing is decided by a probe that the login of a caller would not
   * say too: a caller who has come already gets its first answer before the processor is spent on one.
   */
  async startFirst(): Promise<void> {
    const { solo, startUp } = this.#parts
    this.#on = true
    if (solo && startUp.awaited) await this.#headStart.wait()
    // It may have been stopped meanwhile, or started.
    if (this.#on && !this.#checking) await this.start()
  }

  /** Lets the first checks wait for no caller: they are waited for themselves. */
  endHeadStart(): void {
    this.#headStart.end()
  }

  stop(): void {
    this.#on = false
    this.#headStart.end()
    if (this.resting) this.#serveAgain()
    this.#rest.stop()
    this.#stopChecks()
  }

  /** Stops it for good. */
  end(): void {
    this.#ended = true
    this.#headStart.end()
    this.#rest.stop()
    this.#stopChecks()
  }

  /**
   * Resumes it for a caller who wants a connection. With several servers all are probed before any caller is routed,
   * because another one may have been promoted meanwhile.
   */
  wake(): Promise<void> {
    if (this.#rest.end()) this.#waking = this.#resume()
    return this.#waking
  }

  async #resume(): Promise<void> {
    const { fixed, router, topology } = this.#parts
    this.#serveAgain()
    if (!fixed) router.hold(true)
    try {
      await topology?.start()
      if (!this.#ended) await this.#startChecks()
    } finally {
      router.hold(false)
    }
  }

  /** Stops probing every server, and opens no connection in reserve. */
  #pause(): void {
    this.#parts.topology?.rest()
    this.#stopChecks()
    for (const { pool, prober } of this.#parts.endpoints) {
      if (prober.shared === undefined) prober.forget()
      pool.serverChanged({ watched: false })
    }
  }

  /** Distrusts every connection: its server may have closed it or changed its role meanwhile. */
  #serveAgain(): void {
    for (const { pool } of this.#parts.endpoints) pool.serverChanged({ watched: true })
    this.#parts.maintainer.wake()
  }

  async #startChecks(): Promise<void> {
    const { cluster, logins, monitor, silence } = this.#parts
    this.#checking = true
    logins.start()
    silence?.start()
    if (!monitor.started) await cluster.start(monitor)
  }

  #stopChecks(): void {
    if (!this.#checking) return
    const { logins, monitor, silence } = this.#parts
    this.#checking = false
    monitor.stop()
    logins.stop()
    silence?.stop()
  }

  /** True also while something is wrong, so that monitoring notices when that ends. */
  #isBusy(): boolean {
    const { dedicated, endpoints, router } = this.#parts
    const { impaired, unusable } = this.standing
    return (
      dedicated.any ||
      router.waiting > 0 ||
      unusable !== undefined ||
      impaired !== undefined ||
      endpoints.some(({ pool }) => pool.load > 0 || pool.counts.connecting > 0)
    )
  }
}
