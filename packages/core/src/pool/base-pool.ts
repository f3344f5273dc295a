import { bounded } from '../bounded.js'
import type { ConnectionSignal, Driver, Endpoint, Role } from '../driver.js'
import {
  AcquireAbortedError,
  ConnectFailedError,
  PoolClosedError,
  QueueFullError,
  toError,
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

const HOLDERS_IN_ERROR = 5
const SAME_MOMENT_MS = 1

/**
 * What every kind of pool does alike: refuse and queue callers, open connections, and close. Which connection is lent
 * to whom, and what becomes of it afterwards, is up to the kind.
 */
export abstract class BasePool<C extends object>
  implements ConnectionPool<C>, LeaseHome<C>, WaitPlace<C>
{
  readonly endpoint: Endpoint
  protected readonly driver: Driver<C>
  protected readonly options: PoolOptions<C>
  protected readonly environment: PoolEnvironment
  protected readonly connector: Connector<C>
  protected readonly book: LeaseBook<C>
  protected readonly waiters: WaitQueue<C>
  protected suspended = false
  /** Connections on their way. */
  protected opening = 0
  /** Connections under validation. */
  protected testing = 0
  /** Rises when all connections are invalidated: those of an earlier one are not lent again. */
  protected generation = 0
  readonly #retirement: Retirement<C>
  #holdersSeen: readonly LeaseReport[] = []
  #holdersSeenAt = Number.NEGATIVE_INFINITY
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
    this.driver = driver
    this.options = options
    this.environment = environment
    this.waiters = new WaitQueue<C>(this)
    this.connector = new Connector(endpoint, driver, options, environment, () => this.supply())
    this.book = new LeaseBook<C>(this, endpoint, leaks, environment)
    this.#retirement = new Retirement(endpoint, driver, options, environment)
  }

  abstract readonly size: number
  abstract readonly counts: PoolCounts
  abstract readonly leases: Iterable<Lease<C>>
  abstract acquire(
    options: AcquireOptions,
    target: Target,
    below: FunctionReference,
  ): Promise<Lease<C>>
  abstract evict(connectionId: number): boolean
  abstract suspectAll(): void
  abstract distrust(on: boolean): void
  abstract answered(since: number): void
  abstract expect(role: Role | undefined): void
  abstract resize(size: { poolSize?: number; maxOverflow?: number }): void
  abstract warmUp(count?: number): Promise<void>
  abstract maintain(): void
  abstract returnLease(lease: Lease<C>): void
  abstract destroyLease(lease: Lease<C>, error: unknown): void
  abstract detachLease(lease: Lease<C>): void
  abstract destroy(entry: PoolEntry<C>, error: Error): void

  /** Takes a connection that has just been opened into the records; `admit` follows. */
  protected abstract adopt(entry: PoolEntry<C>): void
  /** Puts a connection into service, if it is fit for it. */
  protected abstract admit(entry: PoolEntry<C>): void
  /** Something happened to an open connection. */
  protected abstract onSignal(entry: PoolEntry<C>, signal: ConnectionSignal): void
  /** Starts as much as the waiters need. */
  protected abstract supply(): void
  protected abstract closeIdle(reason: CloseReason): void
  /** Closes all, those in use too. */
  protected abstract closeAll(reason: CloseReason, error?: Error): void
  protected abstract readonly limit: number
  /** Every open connection. */
  protected abstract readonly connections: Iterable<PoolEntry<C>>
  /** True if no connection is open and nobody holds a lease. */
  protected abstract readonly empty: boolean

  get totals(): PoolTotals {
    return this.book.totals
  }

  get leakCounts(): LeakCounts {
    return this.book.leaks.counts
  }

  get load(): number {
    return this.book.size + this.waiters.size
  }

  createWaiter(
    options: AcquireOptions,
    target: Target,
    below: FunctionReference,
    now = this.environment.clock.now(),
    owner = this.identify(options, below, now),
  ): Waiter<C> {
    const timeoutMs = options.timeoutMs ?? this.options.acquireTimeoutMs
    return new Waiter(this.environment.deadlines, target, owner, now, timeoutMs, options.signal)
  }

  enqueue(waiter: Waiter<C>): void {
    this.waiters.push(waiter)
    if (this.closing) waiter.fail('closed', new PoolClosedError(this.environment.name))
    else this.supply()
  }

  extractWaiters(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    return this.waiters.extract(leaves)
  }

  clear(reason: string): void {
    this.generation += 1
    this.closeIdle('cleared')
    this.#cleared(reason)
  }

  destroyAll(reason: string): void {
    this.generation += 1
    this.connector.abandon(reason)
    this.#strikeOffAll()
    this.closeAll('lost', new Error(reason))
    this.#cleared(reason)
  }

  heard(): boolean {
    let heard = false
    for (const entry of this.connections) {
      const received = entry.activity?.received ?? 0
      if (received === entry.received) continue
      entry.received = received
      heard = true
    }
    return heard
  }

  overdue(since: number, now: number): PoolEntry<C>[] {
    const overdue: PoolEntry<C>[] = []
    for (const entry of this.connections) {
      const running = entry.activity?.running
      if (running !== entry.running) {
        entry.running = running
        entry.runningSince = now
      } else if (running !== undefined && entry.runningSince <= since) overdue.push(entry)
    }
    return overdue
  }

  retryNow(): void {
    this.connector.retryNow()
  }

  retrySoon(): void {
    this.connector.retrySoon()
  }

  ramp(): void {
    this.connector.ramp()
  }

  throttle(on: boolean): void {
    this.connector.throttled = on
  }

  suspend(): void {
    this.suspended = true
  }

  resume(): void {
    this.suspended = false
    this.supply()
  }

  holders(): LeaseReport[] {
    return this.book.holders()
  }

  leaked(): LeaseReport[] {
    return this.book.leaked()
  }

  close(drainTimeoutMs: number): Promise<void> {
    this.#closing ??= this.#drainAndClose(drainTimeoutMs)
    return this.#closing
  }

  releasedTwice(lease: Lease<C>): void {
    this.environment.events.emit({
      type: 'leaseMisused',
      pool: this.environment.name,
      endpoint: this.endpoint.id,
      connectionId: lease.connectionId,
      leaseId: lease.id,
      reason: 'released-twice',
    })
  }

  fence(lease: Lease<C>): C {
    const { connection } = lease.entry
    return this.driver.fence?.(connection, lease) ?? connection
  }

  usedAfterEnd(lease: Lease<C>, statement: string | undefined): void {
    this.book.usedAfterEnd(lease, statement)
  }

  timeoutError(waiter: Waiter<C>): Error {
    return acquireTimeoutError({
      pool: this.environment.name,
      endpoint: this.endpoint.id,
      waitedMs: this.environment.clock.now() - waiter.enqueuedAt,
      timeoutMs: waiter.timeoutMs,
      counts: this.counts,
      testing: this.testing,
      holders: this.#longestHolders(),
      lastConnectError: this.connector.lastError,
    })
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    this.book.acquireFailed(reason, error, this.environment.clock.now() - waiter.enqueuedAt)
  }

  protected get closing(): boolean {
    return this.#closing !== undefined
  }

  protected identify(options: AcquireOptions, below: FunctionReference, now: number): LeaseOwner {
    return this.book.identify(options.label, below, this.load, this.limit, now)
  }

  /** Rejects a caller who cannot even be queued; undefined for one who can. */
  protected refuse({ signal }: AcquireOptions): Promise<never> | undefined {
    const { name } = this.environment
    if (this.closing) return this.#reject('closed', new PoolClosedError(name))
    if (signal?.aborted === true) {
      return this.#reject('aborted', new AcquireAbortedError(signal.reason))
    }
    return undefined
  }

  protected queueIsFull(): Promise<never> {
    const { maxWaiters } = this.options
    return this.#reject(
      'queue-full',
      new QueueFullError(this.environment.name, maxWaiters, this.counts),
    )
  }

  protected open(expiresAfterMs: number): void {
    const { clock, observer } = this.environment
    const { generation } = this
    const startedAt = clock.now()
    let entry: PoolEntry<C> | undefined
    let early: ConnectionSignal | undefined
    const onSignal = (signal: ConnectionSignal): void => {
      if (entry === undefined) early = signal
      else this.#signalled(entry, signal)
    }
    this.opening += 1
    this.connector.open(onSignal).then(
      (connection) => {
        this.opening -= 1
        const now = clock.now()
        const activity = this.driver.activity?.(connection)
        const expiresAt = now + expiresAfterMs
        entry = new PoolEntry(connection, this.endpoint, generation, now, expiresAt, activity)
        this.adopt(entry)
        this.book.totals.created += 1
        this.#retirement.opened(entry, now - startedAt)
        observer.connected(this.endpoint)
        if (early !== undefined) this.#signalled(entry, early)
        this.admit(entry)
        // Its place among the concurrent connects is free for the next.
        this.supply()
      },
      (thrown: unknown) => {
        this.opening -= 1
        if (!(thrown instanceof Abandoned)) this.#openFailed(thrown, clock.now() - startedAt)
        this.changed()
      },
    )
  }

  /** Ends the life of a connection. Whoever takes it out of the records calls this once. */
  protected retire(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    entry.state = 'closed'
    this.book.totals.closed += 1
    this.#retirement.retire(entry, reason, error)
  }

  /** A slot has become free, or a connection. */
  protected changed(): void {
    if (!this.closing) this.supply()
    else if (this.empty && this.opening === 0) this.#onDrained?.()
  }

  #signalled(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    if (entry.state === 'closed') return
    this.onSignal(entry, signal)
    this.environment.observer.signalled(this.endpoint, signal)
  }

  #openFailed(thrown: unknown, durationMs: number): void {
    const error = thrown instanceof HookRejection ? thrown.error : toError(thrown)
    this.environment.events.emit({
      type: 'connectionFailed',
      pool: this.environment.name,
      endpoint: this.endpoint.id,
      durationMs,
      error: summarize(error),
    })
    if (thrown instanceof HookRejection) this.waiters.first?.fail('connect-failed', error)
    else {
      const kind = this.driver.classify(error)
      if (this.environment.observer.connectFailed(this.endpoint, kind, error) === 'give-up') {
        const { id } = this.endpoint
        this.waiters.failAll('connect-failed', () => new ConnectFailedError(id, error))
      }
    }
  }

  #reject(reason: AcquireFailedEvent['reason'], error: Error): Promise<never> {
    this.book.acquireFailed(reason, error, 0)
    return Promise.reject(error)
  }

  #cleared(reason: string): void {
    this.environment.events.emit({
      type: 'poolCleared',
      pool: this.environment.name,
      endpoint: this.endpoint.id,
      reason,
    })
    this.changed()
  }

  #strikeOffAll(): void {
    for (const lease of this.leases) this.book.strikeOff(lease)
  }

  /** Many waiters may run out of time at once; they are told the same. */
  #longestHolders(): readonly LeaseReport[] {
    const now = this.environment.clock.now()
    if (now - this.#holdersSeenAt > SAME_MOMENT_MS) {
      this.#holdersSeen = this.book.holders(HOLDERS_IN_ERROR)
      this.#holdersSeenAt = now
    }
    return this.#holdersSeen
  }

  async #drainAndClose(drainTimeoutMs: number): Promise<void> {
    // Lets close() set #closing first, so that everything below sees a closing pool.
    await undefined
    const { clock, events, deadlines, name } = this.environment
    const startedAt = clock.now()
    this.waiters.failAll('closed', () => new PoolClosedError(name))
    this.connector.abandon('the pool is closing')
    this.closeIdle('closed')
    let stragglers: LeaseReport[] = []
    if (!this.empty || this.opening > 0) {
      const drained = new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
      await bounded(deadlines, drainTimeoutMs, drained, () => new Error('drain timed out')).catch(
        () => {
          stragglers = this.holders()
          this.#strikeOffAll()
          this.closeAll('closed')
        },
      )
    }
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
