import type { ManagerAcquireOptions } from './acquiring.js'
import { Assembly } from './assembly.js'
import { CALLS, checkCall, checkCount } from './config/calls.js'
import { resolveManagerOptions } from './config/resolve.js'
import type { ConnectionSignal, Driver, Endpoint } from './driver/contract.js'
import type { DedicatedConnection } from './driver/dedicated.js'
import type { StatementTracer } from './driver/statement-trace.js'
import { InvalidOptionError } from './errors.js'
import type { ConnmgrEvent } from './events/events.js'
import type { FunctionReference } from './leaks/stack.js'
import { ManagerWork } from './manager/work.js'
import type { ManagerOptions } from './options.js'
import type { AcquireRequest, Lent } from './pool/acquire-request.js'
import type { Lease } from './pool/lease.js'
import { registerManager } from './process/managers.js'
import { printAsJson } from './secrets/print.js'
import type { Clock } from './time/clock.js'

/** What a {@link ConnectionManager} is made of. Adapters fill this in. */
export interface ManagerConfig<C extends object> {
  readonly driver: Driver<C>
  /** The preferred one first. */
  readonly endpoints: readonly Endpoint[]
  readonly options?: ManagerOptions<C>
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
export class ConnectionManager<C extends object> extends ManagerWork<C> {
  static {
    printAsJson(ConnectionManager.prototype)
  }

  readonly #parts: Assembly<C>
  readonly #unlist: () => void
  /** The request of all who ask for nothing in particular. */
  readonly #plain: AcquireRequest<ManagerAcquireOptions>

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor({ driver, endpoints, options: given = {} }: ManagerConfig<C>) {
    const options = resolveManagerOptions(given, driver.name)
    if (endpoints.length === 0) {
      throw new InvalidOptionError(
        'endpoints',
        'option "endpoints" must name at least one endpoint, but it is empty',
      )
    }
    const parts = new Assembly(driver, endpoints, options)
    super(parts)
    this.#parts = parts
    this.#unlist = registerManager(this.id, this.name, this)
    this.#plain = parts.acquiring.request(NO_OPTIONS, this.acquire)
    if (options.pool.minIdle > 0 || options.healthMonitoring || !parts.solo)
      void parts.lifecycle.startSoon()
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
    const { acquiring } = this.#parts
    if (options === NO_OPTIONS && below === this.#plain.below)
      return Promise.resolve(acquiring.acquire(this.#plain))
    try {
      checkCall('acquire', options, CALLS.acquire)
    } catch (error) {
      return Promise.reject(error)
    }
    return Promise.resolve(acquiring.acquire(acquiring.request(options, below)))
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
    const { acquireTimeoutMs } = this.#parts.options.pool
    const { startTimeoutMs } = this.#parts.options
    const {
      timeoutMs = Number.isFinite(startTimeoutMs) ? startTimeoutMs : acquireTimeoutMs,
      signal,
    } = options
    if (
      !this.closed &&
      signal?.aborted !== true &&
      this.#parts.monitoring.standing.unusable === undefined
    )
      return
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
    this.#parts.lifecycle.begin()
    // While there is no server to warm up, waits for one as every caller does.
    if (this.#parts.cluster.pick('primary') === undefined)
      (await this.lend({ label: 'warmUp' }, this.warmUp)).release()
    await this.#parts.cluster.pick('primary')?.pool.warmUp(count)
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
    return this.#parts.lifecycle.close(drainTimeoutMs, {
      finish: () => this.finish(),
      cleanUp: () => {
        this.#unlist()
        this.cleanUp()
      },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  protected get clock(): Clock {
    return this.#parts.runtime.clock
  }

  /** The deadline of an acquire that names none. */
  protected get acquireTimeoutMs(): number {
    return this.#parts.options.pool.acquireTimeoutMs
  }

  /** SQL as it may appear outside of the connection that runs it, by `reportSql`; empty where that says so. */
  protected reportedSql(text: string): string {
    return this.#parts.runtime.sql.traced(text)
  }

  protected emit(event: ConnmgrEvent): void {
    this.#parts.log.report(event)
  }

  /**
   * Opens a connection to the writer that no pool knows of; undefined while there is no writer. What it signals counts
   * as trouble of its endpoint, like that of any other connection.
   */
  protected connectToWriter(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<C> | undefined> {
    return this.#parts.dedicated.open(onSignal, abort)
  }

  /**
   * @internal A connection to the writer that no pool knows of, for looking into a server whose pool may be exhausted. Its
   * opener must close it; undefined while there is no writer.
   */
  connectForDiagnosis(abort: AbortSignal): Promise<DedicatedConnection<C> | undefined> {
    return this.connectToWriter(() => {}, abort)
  }

  /** Ends what a subclass has under way. Part of `close`, which waits for it. */
  protected async finish(): Promise<void> {}

  /** Ends what a subclass needs for callers. No caller is served any more. */
  protected cleanUp(): void {}

  /** True if `onAcquire` prepares each connection for its one borrower, so that callers must not share a statement. */
  get preparesLeases(): boolean {
    return this.#parts.acquiring.preparesLeases
  }

  /** @internal Publishes statements that a facade is called with before they have a connection. */
  get queries(): StatementTracer {
    return this.#parts.runtime.queries
  }

  /**
   * @internal `acquire` for those whose options need no check: facades, and what has checked them.
   *
   * @param again for a request that was made before, and needs another connection
   */
  lend(options: ManagerAcquireOptions, below: FunctionReference, again = false): Promise<Lease<C>> {
    return Promise.resolve(this.lendSoon(options, below, again))
  }

  /** @internal `lend` that returns the lease itself if a connection is free: half of what waiting for it costs. */
  lendSoon(options: ManagerAcquireOptions, below: FunctionReference, again = false): Lent<C> {
    const { acquiring } = this.#parts
    return acquiring.acquire(acquiring.request(options, below), again)
  }
}
