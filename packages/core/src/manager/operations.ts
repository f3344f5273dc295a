import type { Assembly } from '../assembly.js'
import { CALLS, checkCall, checkName } from '../config/calls.js'
import { resolveManagerOptions } from '../config/resolve.js'
import type { OperatorActedEvent } from '../events/events.js'
import type { HealthCheck } from '../health/history.js'
import { redactText } from '../secrets/redact-text.js'
import { ManagerStatus } from './status.js'

/** What an operator does with a manager, beside what callers do. */
export abstract class ManagerOperations<C extends object> extends ManagerStatus<C> {
  readonly #parts: Assembly<C>

  /** @internal */
  constructor(parts: Assembly<C>) {
    super(parts)
    this.#parts = parts
  }

  /**
   * Starts the health monitor and fills the pool to `minIdle`. Called by the first acquire; call it yourself to have
   * everything ready before. Resolves when every endpoint has been looked at once.
   */
  start(): Promise<void> {
    this.#parts.monitoring.endHeadStart()
    return this.#parts.lifecycle.awaited(this.#parts.lifecycle.start())
  }

  /**
   * Changes the size of every endpoint's pool while it is in use. A surplus closes as it comes back.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also for any other size than one with `poolMode: 'static'`
   */
  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    checkCall('resize', size, CALLS.resize)
    const {
      poolSize = this.#parts.sizes.usual.poolSize,
      maxOverflow = this.#parts.sizes.usual.maxOverflow,
    } = size
    const { poolMode } = this.getPoolSettings()
    resolveManagerOptions<C>({ poolSize, maxOverflow, poolMode }, this.name)
    this.#parts.runtime.events.turn(() =>
      this.#parts.sizes.resize({ poolSize, maxOverflow }, this.#parts.endpoints),
    )
  }

  /** Invalidates all connections: idle ones close now, lent ones when they come back. */
  clear(reason = 'requested'): void {
    checkName('reason', reason)
    this.#parts.runtime.events.turn(() => {
      for (const each of this.#parts.endpoints) each.pool.clear(redactText(reason))
    })
  }

  /** Closes one connection: now if it is idle, else when it comes back. False if there is none with this id. */
  evict(connectionId: number): boolean {
    return this.#parts.runtime.events.turn(() =>
      this.#parts.endpoints.some((each) => each.pool.evict(connectionId)),
    )
  }

  /**
   * Takes a connection away from the caller who holds it, to free its slot: what runs on it is cancelled on the server, an
   * open transaction is rolled back there, and whatever the holder does with it from now on fails. It is closed, and never
   * lent on. For a lease that leaks, or whose statement has to end.
   *
   * @param leaseId as `getHolders()` and `detectLeaks()` tell it
   * @returns false if no such lease is held, or not any more
   */
  reclaim(leaseId: number): boolean {
    return this.#parts.runtime.events.turn(() =>
      this.#parts.set.withLeases.some((each) => each.pool.reclaim(leaseId)),
    )
  }

  /** Holds every acquire until `resume`, within its deadline. For planned switchovers. */
  suspend(): void {
    this.#parts.runtime.events.turn(() => this.#parts.router.suspend())
  }

  resume(): void {
    this.#parts.runtime.events.turn(() => this.#parts.router.resume())
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
    await this.#parts.lifecycle.awaited(this.#parts.cluster.failover(to))
  }

  /** Accepts another cluster or an older history, after the cluster has been rebuilt on purpose. */
  async reset(): Promise<void> {
    await this.start()
    await this.#parts.lifecycle.awaited(this.#parts.cluster.reset())
  }

  /**
   * Takes an endpoint out of service until `unquarantine` or `reset`: it gets no new callers, those with a connection to
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
    this.#parts.cluster.quarantine(endpoint, redactText(reason))
  }

  /**
   * Puts an endpoint back into service that `quarantine` took out, if it is fit for it. Resolves when it has been probed.
   *
   * @throws FailoverFailedError `CONNMGR_FAILOVER_FAILED` if there is no such endpoint
   */
  async unquarantine(endpoint: string): Promise<void> {
    checkName('endpoint', endpoint)
    await this.start()
    await this.#parts.lifecycle.awaited(this.#parts.cluster.unquarantine(endpoint))
  }

  /** Asks every endpoint now; resolves with the check of the one that takes writes. Never rejects. */
  async checkHealth(): Promise<HealthCheck> {
    const checks = await this.#parts.lifecycle.awaited(
      Promise.all(this.#parts.endpoints.map((each) => this.#parts.monitor.check(each))),
    )
    const active = this.#parts.cluster.writer?.id
    return checks.find((each) => each.endpoint === active) ?? (checks[0] as HealthCheck)
  }

  /** @internal Reports what a person had this manager do, for the tools through which people do so. */
  noteOperator(did: Omit<OperatorActedEvent, 'type' | 'pool'>): void {
    this.#parts.log.report({ type: 'operatorActed', pool: this.name, ...did })
  }

  /** Starts the background checks, if `healthMonitoring` was off or they were stopped. */
  async startHealthMonitoring(): Promise<void> {
    await this.start()
    await this.#parts.lifecycle.awaited(this.#parts.monitoring.start())
  }

  /** Stops the background checks. With several endpoints this also stops automatic failover. */
  stopHealthMonitoring(): void {
    this.#parts.monitoring.stop()
  }
}
