import type { Assembly } from '../assembly.js'
import { checkListener, checkObserver } from '../config/calls.js'
import type { ConnmgrEvent, ConnmgrEventType, Listener } from '../events/events.js'
import type { QueryObserver } from '../events/query-observer.js'
import { outside } from '../flow/outside.js'
import type { HealthCheck, HealthStats } from '../health/history.js'
import { LEASE_OBSERVERS, type LeaseObservers } from '../pool/lease-observers.js'
import type { PoolMetrics } from '../pool/metrics.js'
import type { PoolSettings } from '../pool/options.js'
import { Snapshots } from '../snapshots.js'
import type { FailoverStatus, HealthStatus, LeakStatus } from '../status.js'
import type { PoolCounts } from '../vocabulary/counts.js'
import type { ManagerHistograms } from '../vocabulary/histogram.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { Target } from '../vocabulary/target.js'
import type { ReplayStats } from '../work/replayer.js'

/** What a manager tells of itself: snapshots of its state, and its events. */
export abstract class ManagerStatus<C extends object> {
  readonly #parts: Assembly<C>
  readonly #snapshots: Snapshots<C>

  /** @internal */
  constructor(parts: Assembly<C>) {
    this.#parts = parts
    this.#snapshots = new Snapshots(parts)
  }

  /** Unique within the process, which sets managers of one name apart. See {@link connectionManagers}. */
  get id(): number {
    return this.#parts.runtime.id
  }

  get name(): string {
    return this.#parts.runtime.name
  }

  /** True if there is one server, and no source that may name others: then nothing is said of endpoints and failover. */
  get oneDatabase(): boolean {
    return this.#parts.solo
  }

  /** True from the first call of `close`. */
  get closed(): boolean {
    return this.#parts.lifecycle.closed
  }

  /** Snapshots of the pools of all endpoints, or of one. `size` and `limit` count the pools that are in service. */
  getPoolMetrics(endpoint?: string): PoolMetrics {
    return this.#snapshots.poolMetrics(endpoint)
  }

  /**
   * How long callers have waited, leases were held, and connects have taken, and for how long so many connections were
   * wanted at once, which is what to size a pool by. Measured from the start: it costs each lease some nanoseconds, and
   * comes too late when it is switched on after an incident. Plain data; see `histogramQuantile` and `demandQuantile`.
   *
   * @example
   * const { demand, wait } = manager.getHistograms()
   * console.log(histogramQuantile(wait, 0.99), demandQuantile(demand, 0.99))
   */
  getHistograms(): ManagerHistograms {
    return this.#snapshots.histograms()
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
      exclusive,
    } = this.#parts.options.pool
    return {
      ...this.#parts.sizes.usual,
      minIdle,
      acquireTimeoutMs,
      connectTimeoutMs,
      idleTimeoutMs,
      maxLifetimeMs,
      maxUses,
      allowExitOnIdle,
      poolMode: exclusive ? 'static' : 'pooled',
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

  getHealthStats(): HealthStats {
    return this.#parts.monitor.history.stats
  }

  /** The latest checks, oldest first. */
  getHealthHistory(): readonly HealthCheck[] {
    return this.#parts.monitor.history.checks
  }

  /** Units of work that were run again. */
  getReplayStats(): ReplayStats {
    return this.#parts.replayer.stats
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
    return this.#parts.runtime.events.on(type, (event) => outside(() => listener(event)))
  }

  /** Hears every event, as with `on`. Returns the function that unsubscribes. */
  onAny(listener: (event: ConnmgrEvent) => unknown): () => void {
    checkListener(listener)
    return this.#parts.runtime.events.onAny((event) => outside(() => listener(event)))
  }

  /**
   * Hears of the statements that are sent over this manager's connections, as the channel `connmgr:query` does of those of
   * all managers. An observer that throws harms no statement, unlike a subscriber to the channel, whose error Node reports
   * as uncaught. Costs nothing until it is called. Returns the function that ends it.
   *
   * @example
   * const stop = manager.observeQueries({
   *   ended: ({ text, runMs, waitMs }) => console.log(text, runMs, waitMs),
   * })
   */
  observeQueries(observer: QueryObserver): () => void {
    checkObserver(observer)
    return this.#parts.runtime.queryObservers.add(observer)
  }

  /**
   * The shape of a statement in the database's own dialect: with `?` for values, without comments. It never shows a value:
   * where it is unclear what a text means, the rest is cut off, with `…`. Undefined if the driver has no dialect of SQL.
   *
   * @example
   * manager.fingerprint("select * from users where email = 'a@example.com'") // select * from users where email = ?
   */
  fingerprint(sql: string): string | undefined {
    return this.#parts.runtime.sql.fingerprint(sql)
  }

  /** @internal */
  get [LEASE_OBSERVERS](): LeaseObservers {
    return this.#parts.runtime.leaseObservers
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
}
