import { bounded } from '../bounded.js'
import { type ConnectionSignal, type Driver, type Endpoint, isFatal } from '../driver.js'
import {
  AcquireAbortedError,
  ConnectFailedError,
  PoolClosedError,
  QueueFullError,
  toError,
  UnsupportedError,
} from '../errors.js'
import { type AcquireFailedEvent, summarize } from '../events/events.js'
import type { Target } from '../failover/states.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { ConnectionPool } from './connection-pool.js'
import { Abandoned, Connector, HookRejection } from './connector.js'
import { type CloseReason, PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import type { Lease, LeaseHome } from './lease.js'
import { LeaseBook } from './lease-book.js'
import type { LeakCounts, PoolCounts, PoolTotals } from './metrics.js'
import type { AcquireOptions, PoolOptions } from './options.js'
import { Retirement } from './retirement.js'
import { acquireTimeoutError } from './timeout-error.js'
import { type LeaseOwner, Waiter, type WaitPlace, WaitQueue } from './waiter.js'

/**
 * One connection that all callers share at the same time, for engines in which a second connection would be another
 * database (SQLite in memory) or is not allowed. Opened when first needed, and again after it was lost.
 *
 * Nobody owns the connection alone, so nothing is reset when a lease ends, and a lease cannot be detached.
 */
export class StaticPool<C extends object> implements ConnectionPool<C>, LeaseHome<C>, WaitPlace<C> {
  readonly endpoint: Endpoint
  readonly size = 1
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #environment: PoolEnvironment
  readonly #connector: Connector<C>
  readonly #retirement: Retirement<C>
  readonly #book: LeaseBook<C>
  readonly #waiters = new WaitQueue<C>(this)
  #entry: PoolEntry<C> | undefined
  #suspended = false
  #closing: Promise<void> | undefined
  #onDrained: (() => void) | undefined

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    leaks: LeakTracking<C>,
    environment: PoolEnvironment,
  ) {
    this.endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#environment = environment
    this.#connector = new Connector(endpoint, driver, options, environment, () => this.#supply())
    this.#retirement = new Retirement(endpoint, driver, options, environment)
    this.#book = new LeaseBook<C>(this, endpoint, leaks, environment)
  }

  get counts(): PoolCounts {
    const total = this.#entry === undefined ? 0 : 1
    const inUse = this.#book.size > 0 ? total : 0
    return {
      total,
      idle: total - inUse,
      inUse,
      connecting: this.#connector.running,
      waiting: this.#waiters.size,
      overflow: 0,
      limit: 1,
    }
  }

  get totals(): PoolTotals {
    return this.#book.totals
  }

  get leakCounts(): LeakCounts {
    return this.#book.leaks.counts
  }

  get load(): number {
    return this.#book.size + this.#waiters.size
  }

  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>> {
    const { clock, name } = this.#environment
    const now = clock.now()
    if (this.#closing !== undefined) return this.#refuse('closed', new PoolClosedError(name))
    if (options.signal?.aborted === true) {
      return this.#refuse('aborted', new AcquireAbortedError(options.signal.reason))
    }
    if (this.#entry !== undefined && !this.#suspended) {
      const owner = this.#identify(options, below, now)
      return Promise.resolve(this.#book.begin(this.#entry, owner, now, now))
    }
    const { maxWaiters } = this.#options
    if (this.#waiters.size >= maxWaiters) {
      return this.#refuse('queue-full', new QueueFullError(name, maxWaiters, this.counts))
    }
    const waiter = this.createWaiter(options, target, below)
    this.enqueue(waiter)
    return waiter.promise
  }

  createWaiter(options: AcquireOptions, target: Target, below: FunctionReference): Waiter<C> {
    const { clock, deadlines } = this.#environment
    const now = clock.now()
    const owner = this.#identify(options, below, now)
    const timeoutMs = options.timeoutMs ?? this.#options.acquireTimeoutMs
    return new Waiter(deadlines, target, owner, now, timeoutMs, options.signal)
  }

  enqueue(waiter: Waiter<C>): void {
    this.#waiters.push(waiter)
    if (this.#closing !== undefined)
      waiter.fail('closed', new PoolClosedError(this.#environment.name))
    else this.#supply()
  }

  extractWaiters(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    return this.#waiters.extract(leaves)
  }

  evict(connectionId: number): boolean {
    if (this.#entry?.id !== connectionId) return false
    this.#retire('evicted')
    return true
  }

  clear(reason: string): void {
    this.#retire('cleared')
    this.#environment.events.emit({
      type: 'poolCleared',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      reason,
    })
  }

  destroyAll(reason: string): void {
    this.#connector.abandon(reason)
    this.#retire('lost', new Error(reason))
    for (const lease of this.#book.leases) this.#book.strikeOff(lease)
    this.#supply()
  }

  /** The one connection is replaced when it is lost; there is no other to compare it with. */
  suspectAll(): void {}

  /** A server of this kind has no role. */
  expect(): void {}

  retryNow(): void {
    this.#connector.retryNow()
  }

  suspend(): void {
    this.#suspended = true
  }

  resume(): void {
    this.#suspended = false
    this.#supply()
  }

  /** There is always one connection. */
  resize(): void {}

  async warmUp(): Promise<void> {
    const lease = await this.acquire({ label: 'warmUp' }, 'any', this.warmUp)
    lease.release()
  }

  maintain(): void {
    // Reclaiming would take the connection from everybody else, so a leak is only reported.
    this.#book.scanForLeaks(Number.POSITIVE_INFINITY)
  }

  holders(): LeaseReport[] {
    return this.#book.holders()
  }

  leaked(): LeaseReport[] {
    return this.#book.leaked()
  }

  close(drainTimeoutMs: number): Promise<void> {
    this.#closing ??= this.#drainAndClose(drainTimeoutMs)
    return this.#closing
  }

  returnLease(lease: Lease<C>): void {
    this.#book.end(lease, this.#environment.clock.now())
    if (this.#driver.inspect(lease.entry.connection) === 'broken' && lease.entry === this.#entry) {
      this.#retire('lost')
      this.#supply()
    }
    if (this.#book.size === 0) this.#onDrained?.()
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    this.#book.end(lease, this.#environment.clock.now())
    if (lease.entry === this.#entry) {
      this.#retire('destroyed', error === undefined ? undefined : toError(error))
      this.#supply()
    }
    if (this.#book.size === 0) this.#onDrained?.()
  }

  /** @throws UnsupportedError `CONNMGR_UNSUPPORTED`, always: the connection is not this caller's alone */
  detachLease(lease: Lease<C>): void {
    this.returnLease(lease)
    throw new UnsupportedError(
      'the connection of a static pool is shared and cannot be detached; the lease was released instead',
    )
  }

  releasedTwice(lease: Lease<C>): void {
    this.#environment.events.emit({
      type: 'leaseMisused',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      connectionId: lease.connectionId,
      leaseId: lease.id,
      reason: 'released-twice',
    })
  }

  timeoutError(waiter: Waiter<C>): Error {
    return acquireTimeoutError({
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      waitedMs: this.#environment.clock.now() - waiter.enqueuedAt,
      counts: this.counts,
      testing: 0,
      holders: [],
      lastConnectError: this.#connector.lastError,
    })
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    this.#book.acquireFailed(reason, error, this.#environment.clock.now() - waiter.enqueuedAt)
  }

  #identify(options: AcquireOptions, below: FunctionReference, now: number): LeaseOwner {
    return this.#book.identify(options.label, below, this.load, Number.POSITIVE_INFINITY, now)
  }

  #refuse(reason: AcquireFailedEvent['reason'], error: Error): Promise<never> {
    this.#book.acquireFailed(reason, error, 0)
    return Promise.reject(error)
  }

  #supply(): void {
    if (this.#suspended || this.#closing !== undefined || this.#waiters.size === 0) return
    if (this.#entry === undefined) {
      if (this.#connector.running === 0 && this.#connector.ready) void this.#open()
      return
    }
    const now = this.#environment.clock.now()
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      waiter.serve(this.#book.begin(this.#entry, waiter.owner, waiter.enqueuedAt, now))
    }
  }

  async #open(): Promise<void> {
    const { clock, events, name, observer } = this.#environment
    const startedAt = clock.now()
    let entry: PoolEntry<C> | undefined
    let early: ConnectionSignal | undefined
    try {
      const connection = await this.#connector.open((signal) => {
        if (entry === undefined) early = signal
        else this.#onSignal(entry, signal)
      })
      // Closed between the last moment at which the attempt could be given up and this one.
      if (this.#closing !== undefined) {
        this.#driver.destroy(connection)
        return
      }
      const now = clock.now()
      const activity = this.#driver.activity?.(connection)
      entry = new PoolEntry(connection, this.endpoint, 0, now, Number.POSITIVE_INFINITY, activity)
      this.#entry = entry
      this.#book.totals.created += 1
      this.#retirement.opened(entry, now - startedAt)
      observer.connected(this.endpoint)
      if (early !== undefined) this.#onSignal(entry, early)
    } catch (thrown) {
      if (thrown instanceof Abandoned) {
        this.#supply()
        return
      }
      const error = thrown instanceof HookRejection ? thrown.error : toError(thrown)
      events.emit({
        type: 'connectionFailed',
        pool: name,
        endpoint: this.endpoint.id,
        durationMs: clock.now() - startedAt,
        error: summarize(error),
      })
      const verdict = observer.connectFailed(this.endpoint, this.#driver.classify(error), error)
      if (verdict === 'give-up' || thrown instanceof HookRejection) {
        this.#waiters.failAll(
          'connect-failed',
          () => new ConnectFailedError(this.endpoint.id, error),
        )
      }
    }
    this.#supply()
  }

  #onSignal(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    if (entry === this.#entry && isFatal(signal.kind)) {
      this.#retire('lost', signal.error)
      this.#supply()
    }
    this.#environment.observer.signalled(this.endpoint, signal)
  }

  #retire(reason: CloseReason, error?: Error): void {
    const entry = this.#entry
    if (entry === undefined) return
    this.#entry = undefined
    entry.state = 'closed'
    this.#book.totals.closed += 1
    this.#retirement.retire(entry, reason, error)
  }

  async #drainAndClose(drainTimeoutMs: number): Promise<void> {
    await undefined
    const { clock, deadlines, events, name } = this.#environment
    const startedAt = clock.now()
    this.#waiters.failAll('closed', () => new PoolClosedError(name))
    this.#connector.abandon('the pool is closing')
    let stragglers: LeaseReport[] = []
    if (this.#book.size > 0) {
      const drained = new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
      await bounded(deadlines, drainTimeoutMs, drained, () => new Error('drain timed out')).catch(
        () => {
          stragglers = this.holders()
          for (const lease of this.#book.leases) this.#book.strikeOff(lease)
        },
      )
    }
    this.#retire('closed')
    await this.#retirement.settled()
    events.emit({
      type: 'poolClosed',
      pool: name,
      endpoint: this.endpoint.id,
      durationMs: clock.now() - startedAt,
      stragglers,
    })
  }
}
