import { attempt, bounded } from '../bounded.js'
import { type ConnectionSignal, type Driver, type Endpoint, isFatal, type Role } from '../driver.js'
import {
  AcquireAbortedError,
  ConnectFailedError,
  PoolClosedError,
  QueueFullError,
  toError,
  ValidationFailedError,
} from '../errors.js'
import { type AcquireFailedEvent, summarize } from '../events/events.js'
import type { Target } from '../failover/states.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { FunctionReference } from '../leaks/stack.js'
import { Cleaner } from './cleaner.js'
import type { ConnectionPool } from './connection-pool.js'
import { Abandoned, Connector, HookRejection } from './connector.js'
import { type CloseReason, PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import type { Lease, LeaseHome } from './lease.js'
import { LeaseBook } from './lease-book.js'
import { LinkedList } from './linked-list.js'
import type { LeakCounts, PoolCounts, PoolTotals } from './metrics.js'
import type { AcquireOptions, PoolOptions } from './options.js'
import { Retirement } from './retirement.js'
import { acquireTimeoutError } from './timeout-error.js'
import { type LeaseOwner, Waiter, type WaitPlace, WaitQueue } from './waiter.js'

const HOLDERS_IN_ERROR = 5
const SAME_MOMENT_MS = 1

/**
 * The connections of one endpoint. Only this class moves an entry between states:
 *
 *     connecting → idle ⇄ inUse → cleaning → idle
 *                  idle ⇄ testing
 *     any → closed
 *
 * A connection that becomes free goes to the first waiter, or else onto the idle list.
 */
export class Pool<C extends object> implements ConnectionPool<C>, LeaseHome<C>, WaitPlace<C> {
  readonly endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #environment: PoolEnvironment
  readonly #connector: Connector<C>
  readonly #cleaner: Cleaner<C>
  readonly #retirement: Retirement<C>
  readonly #book: LeaseBook<C>
  readonly #waiters = new WaitQueue<C>(this)
  /** Least lately used first. */
  readonly #idle = new LinkedList<PoolEntry<C>>()
  readonly #entries = new Set<PoolEntry<C>>()
  #poolSize: number
  #maxOverflow: number
  #testing = 0
  /** Connections on their way: being opened, or open but not yet admitted. */
  #opening = 0
  #generation = 0
  #expected: Role | undefined
  #holdersSeen: readonly LeaseReport[] = []
  #holdersSeenAt = Number.NEGATIVE_INFINITY
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
    this.#poolSize = options.poolSize
    this.#maxOverflow = options.maxOverflow
    this.#connector = new Connector(endpoint, driver, options, environment, () => this.#supply())
    this.#cleaner = new Cleaner(endpoint, driver, options, environment)
    this.#retirement = new Retirement(endpoint, driver, options, environment)
    this.#book = new LeaseBook<C>(this, endpoint, leaks, environment)
  }

  get size(): number {
    return this.#poolSize
  }

  get counts(): PoolCounts {
    const total = this.#entries.size
    return {
      total,
      idle: this.#idle.size,
      inUse: this.#book.size,
      connecting: this.#opening,
      waiting: this.#waiters.size,
      overflow: Math.max(0, total - this.#poolSize),
      limit: this.#limit,
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
    const { signal } = options
    const now = this.#environment.clock.now()
    if (this.#closing !== undefined) {
      return this.#refuse('closed', new PoolClosedError(this.#environment.name))
    }
    if (signal?.aborted === true)
      return this.#refuse('aborted', new AcquireAbortedError(signal.reason))
    const owner = this.#book.identify(options.label, below, this.load, this.#limit, now)
    let untested: PoolEntry<C> | undefined
    if (this.#waiters.size === 0 && !this.#suspended) {
      const entry = this.#takeIdle(now)
      if (entry !== undefined) {
        if (!this.#needsTest(entry, now)) return Promise.resolve(this.#lend(entry, owner, now, now))
        untested = entry
      }
    }
    if (this.#waiters.size >= this.#options.maxWaiters) {
      return this.#refuse(
        'queue-full',
        new QueueFullError(this.#environment.name, this.#options.maxWaiters, this.counts),
      )
    }
    const waiter = this.#newWaiter(options, target, owner, now)
    this.#waiters.push(waiter)
    if (untested !== undefined) this.#test(untested)
    this.#supply()
    return waiter.promise
  }

  createWaiter(options: AcquireOptions, target: Target, below: FunctionReference): Waiter<C> {
    const now = this.#environment.clock.now()
    const owner = this.#book.identify(options.label, below, this.load, this.#limit, now)
    return this.#newWaiter(options, target, owner, now)
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
    for (const entry of this.#entries) {
      if (entry.id !== connectionId) continue
      this.#invalidate(entry, 'evicted')
      this.#supply()
      return true
    }
    return false
  }

  clear(reason: string): void {
    this.#generation += 1
    for (const entry of this.#idle) this.#close(entry, 'cleared')
    this.#environment.events.emit({
      type: 'poolCleared',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      reason,
    })
    this.#supply()
  }

  destroyAll(reason: string): void {
    this.#generation += 1
    this.#connector.abandon(reason)
    for (const entry of this.#entries) this.#close(entry, 'lost', new Error(reason))
    for (const lease of this.#book.leases) this.#book.strikeOff(lease)
    this.#environment.events.emit({
      type: 'poolCleared',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      reason,
    })
    this.#supply()
  }

  suspectAll(): void {
    for (const entry of this.#entries) entry.suspect = true
  }

  expect(role: Role | undefined): void {
    this.#expected = role
  }

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

  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    this.#poolSize = size.poolSize ?? this.#poolSize
    this.#maxOverflow = size.maxOverflow ?? this.#maxOverflow
    this.#environment.events.emit({
      type: 'poolResized',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      poolSize: this.#poolSize,
      maxOverflow: this.#maxOverflow,
    })
    for (const entry of this.#idle) {
      if (this.#entries.size <= this.#poolSize) break
      this.#close(entry, 'overflow')
    }
    this.#supply()
  }

  async warmUp(count = this.#poolSize): Promise<void> {
    const wanted = Math.min(count, this.#limit)
    // Holding them all at once is what makes them all be opened.
    const leases = await Promise.allSettled(
      Array.from({ length: wanted }, () => this.acquire({ label: 'warmUp' }, 'any', this.warmUp)),
    )
    for (const lease of leases) if (lease.status === 'fulfilled') lease.value.release()
    const failed = leases.find((lease) => lease.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  maintain(): void {
    if (this.#closing !== undefined) return
    const now = this.#environment.clock.now()
    for (const entry of this.#idle) {
      const reason = this.#unfit(entry, now)
      if (reason !== undefined) this.#close(entry, reason)
      else if (
        now - entry.idleSince >= this.#options.idleTimeoutMs &&
        this.#idle.size > this.#options.minIdle
      ) {
        this.#close(entry, 'idle')
      }
    }
    for (const lease of this.#book.scanForLeaks(this.#limit)) this.#kill(lease, 'leaked')
    this.#supply()
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
    const now = this.#environment.clock.now()
    if (!this.#book.end(lease, now)) return
    const { entry } = lease
    entry.uses += 1
    const unfit = this.#unfit(entry, now)
    const condition = this.#cleaner.inspect(entry)
    if (condition === 'clean' && unfit === undefined && this.#options.reset === 'none') {
      this.#offer(entry, now)
    } else if (condition === 'busy') this.#clean(entry, lease)
    else if (condition === 'broken' || unfit !== undefined || this.#closing !== undefined) {
      this.#close(entry, condition === 'broken' ? 'lost' : (unfit ?? 'closed'))
      this.#afterClose()
    } else this.#clean(entry, lease)
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    if (!this.#book.end(lease, this.#environment.clock.now())) return
    this.#close(lease.entry, 'destroyed', error === undefined ? undefined : toError(error))
    this.#afterClose()
  }

  detachLease(lease: Lease<C>): void {
    if (!this.#book.end(lease, this.#environment.clock.now())) return
    lease.entry.state = 'detached'
    this.#entries.delete(lease.entry)
    this.#afterClose()
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
      testing: this.#testing,
      holders: this.#longestHolders(),
      lastConnectError: this.#connector.lastError,
    })
  }

  /** Many waiters may run out of time at once; they are told the same. */
  #longestHolders(): readonly LeaseReport[] {
    const now = this.#environment.clock.now()
    if (now - this.#holdersSeenAt > SAME_MOMENT_MS) {
      this.#holdersSeen = this.#book.holders(HOLDERS_IN_ERROR)
      this.#holdersSeenAt = now
    }
    return this.#holdersSeen
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    this.#book.acquireFailed(reason, error, this.#environment.clock.now() - waiter.enqueuedAt)
  }

  get #limit(): number {
    return this.#poolSize + this.#maxOverflow
  }

  #newWaiter(options: AcquireOptions, target: Target, owner: LeaseOwner, now: number): Waiter<C> {
    const timeoutMs = options.timeoutMs ?? this.#options.acquireTimeoutMs
    return new Waiter(this.#environment.deadlines, target, owner, now, timeoutMs, options.signal)
  }

  #refuse(reason: AcquireFailedEvent['reason'], error: Error): Promise<never> {
    this.#book.acquireFailed(reason, error, 0)
    return Promise.reject(error)
  }

  /** Starts as much as the waiters need: idle connections first, then new ones. */
  #supply(): void {
    if (this.#suspended || this.#closing !== undefined) return
    const now = this.#environment.clock.now()
    while (this.#waiters.size > this.#testing) {
      const entry = this.#takeIdle(now)
      if (entry === undefined) break
      if (this.#needsTest(entry, now)) this.#test(entry)
      else this.#serve(entry, now)
    }
    while (this.#wantsAnother() && this.#connector.ready) this.#open()
  }

  #wantsAnother(): boolean {
    const coming = this.#opening + this.#testing
    const open = this.#entries.size + this.#opening
    if (open >= this.#limit) return false
    if (this.#waiters.size > coming) return true
    const spare = this.#idle.size + coming - this.#waiters.size
    return spare < this.#options.minIdle && open < this.#poolSize
  }

  #open(): void {
    const { clock } = this.#environment
    const startedAt = clock.now()
    const generation = this.#generation
    let entry: PoolEntry<C> | undefined
    let early: ConnectionSignal | undefined
    const onSignal = (signal: ConnectionSignal): void => {
      if (entry === undefined) early = signal
      else this.#onSignal(entry, signal)
    }
    this.#opening += 1
    this.#connector.open(onSignal).then(
      (connection) => {
        this.#opening -= 1
        const now = clock.now()
        const activity = this.#driver.activity?.(connection)
        entry = new PoolEntry(
          connection,
          this.endpoint,
          generation,
          now,
          this.#expiry(now),
          activity,
        )
        this.#opened(entry, now - startedAt)
        if (early !== undefined) this.#onSignal(entry, early)
        this.#admit(entry)
        // Its place among the concurrent connects is free for the next.
        this.#supply()
      },
      (thrown: unknown) => {
        this.#opening -= 1
        this.#openFailed(thrown, clock.now() - startedAt)
      },
    )
  }

  #opened(entry: PoolEntry<C>, durationMs: number): void {
    this.#entries.add(entry)
    this.#book.totals.created += 1
    this.#retirement.opened(entry, durationMs)
    this.#environment.observer.connected(this.endpoint)
  }

  /** A connection that is new or has just been tested. */
  #admit(entry: PoolEntry<C>): void {
    const now = this.#environment.clock.now()
    const role = this.#driver.role?.(entry.connection) ?? 'unknown'
    const unfit = this.#closing === undefined ? this.#unfit(entry, now) : 'closed'
    if (entry.state === 'closed') this.#afterClose()
    else if (unfit !== undefined) {
      this.#close(entry, unfit)
      this.#afterClose()
    } else if (this.#isWrong(entry, role)) {
      this.#close(
        entry,
        'invalid',
        new ValidationFailedError(`expected a ${this.#expected ?? entry.role}, found a ${role}`),
      )
      if (this.#expected !== undefined) {
        this.#connector.backOff()
        this.#environment.observer.roleMismatch(this.endpoint, role)
      }
      this.#afterClose()
    } else {
      entry.role = role
      this.#offer(entry, now)
    }
  }

  /**
   * Whether a connection leads to a server in a role it should not have. With nothing else to go by, one that led to a
   * primary must still: where a name or a proxy moves on to another server, those opened before stay behind.
   */
  #isWrong(entry: PoolEntry<C>, role: Role): boolean {
    if (role === 'unknown') return false
    return this.#expected === undefined
      ? role === 'standby' && entry.role === 'primary'
      : role !== this.#expected
  }

  #openFailed(thrown: unknown, durationMs: number): void {
    if (thrown instanceof Abandoned) {
      this.#afterClose()
      return
    }
    const error = thrown instanceof HookRejection ? thrown.error : toError(thrown)
    this.#environment.events.emit({
      type: 'connectionFailed',
      pool: this.#environment.name,
      endpoint: this.endpoint.id,
      durationMs,
      error: summarize(error),
    })
    if (thrown instanceof HookRejection) this.#waiters.shift()?.fail('connect-failed', error)
    else {
      const kind = this.#driver.classify(error)
      if (this.#environment.observer.connectFailed(this.endpoint, kind, error) === 'give-up') {
        this.#waiters.failAll(
          'connect-failed',
          () => new ConnectFailedError(this.endpoint.id, error),
        )
      }
    }
    this.#afterClose()
  }

  #expiry(now: number): number {
    const { maxLifetimeMs, lifetimeJitter } = this.#options
    return now + maxLifetimeMs * (1 - lifetimeJitter * this.#environment.clock.random())
  }

  #takeIdle(now: number): PoolEntry<C> | undefined {
    for (;;) {
      const entry = this.#options.idleOrder === 'lifo' ? this.#idle.last : this.#idle.first
      if (entry === undefined) return undefined
      this.#idle.remove(entry)
      const unfit = this.#unfit(entry, now)
      if (unfit === undefined) return entry
      this.#close(entry, unfit)
    }
  }

  /** Why an entry must not be lent again, if so. */
  #unfit(entry: PoolEntry<C>, now: number): CloseReason | undefined {
    if (entry.doomed !== undefined) return entry.doomed
    if (entry.generation !== this.#generation) return 'cleared'
    if (now >= entry.expiresAt) return 'lifetime'
    return entry.uses >= this.#options.maxUses ? 'uses' : undefined
  }

  #needsTest(entry: PoolEntry<C>, now: number): boolean {
    if (entry.suspect) return true
    if (this.#expected !== undefined && this.#driver.role !== undefined) {
      const role = this.#driver.role(entry.connection)
      if (role !== this.#expected && role !== 'unknown') return true
    }
    return this.#options.prePing && now - entry.idleSince > this.#options.prePingBypassMs
  }

  #test(entry: PoolEntry<C>): void {
    const { clock, deadlines, events, name } = this.#environment
    const { validateTimeoutMs } = this.#options
    const startedAt = clock.now()
    entry.state = 'testing'
    this.#testing += 1
    bounded(
      deadlines,
      validateTimeoutMs,
      attempt(() => this.#driver.validate(entry.connection)),
      () =>
        new ValidationFailedError(
          `connection ${entry.id} did not answer its ping within ${validateTimeoutMs} ms`,
        ),
    ).then(
      () => {
        this.#testing -= 1
        entry.suspect = false
        this.#admit(entry)
      },
      (thrown: unknown) => {
        this.#testing -= 1
        const error = toError(thrown)
        events.emit({
          type: 'validationFailed',
          pool: name,
          endpoint: this.endpoint.id,
          connectionId: entry.id,
          durationMs: clock.now() - startedAt,
          error: summarize(error),
        })
        this.#close(entry, 'invalid', error)
        // What broke this connection has probably broken the others.
        this.suspectAll()
        this.#afterClose()
      },
    )
  }

  /** Gives a usable connection to the first waiter, or keeps it if it belongs to the base, or lets it go. */
  #offer(entry: PoolEntry<C>, now: number): void {
    if (this.#closing !== undefined || this.#entries.size > this.#limit) {
      this.#close(entry, this.#closing === undefined ? 'overflow' : 'closed')
      this.#afterClose()
    } else if (this.#waiters.size > 0 && !this.#suspended) this.#serve(entry, now)
    else if (this.#entries.size > this.#poolSize) this.#close(entry, 'overflow')
    else {
      entry.state = 'idle'
      entry.idleSince = now
      this.#idle.push(entry)
    }
  }

  #serve(entry: PoolEntry<C>, now: number): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#offer(entry, now)
    else waiter.serve(this.#lend(entry, waiter.owner, waiter.enqueuedAt, now))
  }

  #lend(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    entry.state = 'inUse'
    return this.#book.begin(entry, owner, requestedAt, now)
  }

  #clean(entry: PoolEntry<C>, lease: Lease<C>): void {
    entry.state = 'cleaning'
    this.#cleaner.clean(entry, lease).then(
      () => this.#admit(entry),
      (error: unknown) => {
        this.#close(entry, 'dirty', toError(error))
        this.#afterClose()
      },
    )
  }

  #onSignal(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    if (entry.state === 'closed') return
    if (entry.state !== 'detached') {
      if (signal.kind === 'lost') {
        const lease = this.#leaseOf(entry)
        if (lease !== undefined) this.#book.strikeOff(lease)
        this.#close(entry, 'lost', signal.error)
        this.#afterClose()
      } else if (isFatal(signal.kind)) this.#invalidate(entry, 'lost')
      // One connection in trouble voids the bypass window of all the others.
      if (isFatal(signal.kind)) this.suspectAll()
    }
    this.#environment.observer.signalled(this.endpoint, signal)
  }

  #leaseOf(entry: PoolEntry<C>): Lease<C> | undefined {
    for (const lease of this.#book.leases) if (lease.entry === entry) return lease
    return undefined
  }

  #invalidate(entry: PoolEntry<C>, reason: CloseReason): void {
    if (entry.state === 'idle') this.#close(entry, reason)
    else entry.doomed ??= reason
  }

  #kill(lease: Lease<C>, reason: CloseReason): void {
    this.#close(lease.entry, reason)
    this.#book.strikeOff(lease)
  }

  #close(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'closed') return
    entry.state = 'closed'
    this.#idle.remove(entry)
    this.#entries.delete(entry)
    this.#book.totals.closed += 1
    this.#retirement.retire(entry, reason, error)
  }

  #afterClose(): void {
    if (this.#closing === undefined) this.#supply()
    else if (this.#entries.size === 0 && this.#opening === 0) this.#onDrained?.()
  }

  async #drainAndClose(drainTimeoutMs: number): Promise<void> {
    // Lets close() set #closing first, so that everything below sees a closing pool.
    await undefined
    const { clock, events, deadlines, name } = this.#environment
    const startedAt = clock.now()
    this.#waiters.failAll('closed', () => new PoolClosedError(name))
    this.#connector.abandon('the pool is closing')
    for (const entry of this.#idle) this.#close(entry, 'closed')
    let stragglers: LeaseReport[] = []
    if (this.#entries.size > 0 || this.#opening > 0) {
      const drained = new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
      await bounded(deadlines, drainTimeoutMs, drained, () => new Error('drain timed out')).catch(
        () => {
          stragglers = this.holders()
          for (const lease of this.#book.leases) this.#kill(lease, 'closed')
          for (const entry of this.#entries) this.#close(entry, 'closed')
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
