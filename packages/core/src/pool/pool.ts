import { attempt, bounded } from '../bounded.js'
import type { Driver, Endpoint } from '../driver.js'
import { type ConnectionSignal, isFatal, type Role } from '../driver.js'
import { toError, ValidationFailedError } from '../errors.js'
import { summarize } from '../events/events.js'
import type { Target } from '../failover/states.js'
import type { LeakTracking } from '../leaks/leak-detector.js'
import type { FunctionReference } from '../leaks/stack.js'
import { BasePool } from './base-pool.js'
import { Cleaner } from './cleaner.js'
import type { CloseReason, PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import type { Lease } from './lease.js'
import { LinkedList } from './linked-list.js'
import type { PoolCounts } from './metrics.js'
import type { AcquireOptions, PoolOptions } from './options.js'
import type { LeaseOwner } from './waiter.js'

/** So long before its death an idle connection that is to be kept in reserve gets its successor. */
const REPLACED_AHEAD_MS = 2000
/** An address that has led to standbys for so long leads to them on purpose, or there is nobody else. */
const ASTRAY_MS = 30_000

class PingUnansweredError extends ValidationFailedError {
  constructor(connectionId: number, when: string) {
    super(`connection ${connectionId} did not answer its ping ${when}`)
  }
}

/**
 * The connections of one endpoint. Only this class moves an entry between states:
 *
 *     connecting → idle ⇄ inUse → cleaning → idle
 *                  idle ⇄ testing
 *     any → closed
 *
 * A connection that becomes free goes to the first waiter, or else onto the idle list.
 */
export class Pool<C extends object> extends BasePool<C> {
  readonly #cleaner: Cleaner<C>
  /** Least lately used first. */
  readonly #idle = new LinkedList<PoolEntry<C>>()
  readonly #entries = new Set<PoolEntry<C>>()
  #poolSize: number
  #maxOverflow: number
  #expected: Role | undefined
  /** Of the server that the first connection led to. */
  #firstRole: Role = 'unknown'
  /** Since when connections have led to standbys though the first led to a primary. */
  #standbySince: number | undefined
  #distrustful = false
  /** A write was refused as by a standby: what new connections say of themselves may be out of date. */
  #wary = false
  /** When each ping under way was sent, and how it is given up. */
  readonly #pings = new Map<PoolEntry<C>, { sentAt: number; giveUp: (error: Error) => void }>()

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    leaks: LeakTracking<C>,
    environment: PoolEnvironment,
  ) {
    super(endpoint, driver, options, leaks, environment)
    this.#poolSize = options.poolSize
    this.#maxOverflow = options.maxOverflow
    this.#cleaner = new Cleaner(endpoint, driver, options, environment)
  }

  get size(): number {
    return this.#poolSize
  }

  get counts(): PoolCounts {
    const total = this.#entries.size
    return {
      total,
      idle: this.#idle.size,
      inUse: this.book.size,
      connecting: this.opening,
      waiting: this.waiters.size,
      overflow: Math.max(0, total - this.#poolSize),
      limit: this.limit,
    }
  }

  get leases(): Iterable<Lease<C>> {
    return this.#currentLeases()
  }

  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>> {
    const refusal = this.refuse(options)
    if (refusal !== undefined) return refusal
    const now = this.environment.clock.now()
    const owner = this.identify(options, below, now)
    let untested: PoolEntry<C> | undefined
    if (this.waiters.size === 0 && !this.suspended) {
      const entry = this.#takeIdle(now)
      if (entry !== undefined) {
        if (!this.#needsTest(entry, now)) return Promise.resolve(this.#lend(entry, owner, now, now))
        untested = entry
      }
    }
    if (this.waiters.size >= this.options.maxWaiters) return this.queueIsFull()
    const waiter = this.createWaiter(options, target, below, now, owner)
    this.waiters.push(waiter)
    if (owner.holding !== undefined) this.book.waits(owner)
    if (untested !== undefined) this.#test(untested)
    // When all are lent there is nothing to start: whoever gives one back serves the queue.
    if (this.#entries.size < this.limit || this.#idle.size > 0) this.supply()
    return waiter.promise
  }

  evict(connectionId: number): boolean {
    for (const entry of this.#entries) {
      if (entry.id !== connectionId) continue
      this.#invalidate(entry, 'evicted')
      this.supply()
      return true
    }
    return false
  }

  suspectAll(): void {
    for (const entry of this.#entries) entry.suspect = true
  }

  distrust(on: boolean): void {
    this.#distrustful = on
  }

  answered(since: number): void {
    for (const [entry, { sentAt, giveUp }] of this.#pings) {
      if (sentAt < since)
        giveUp(new PingUnansweredError(entry.id, 'though its server answers others'))
    }
  }

  expect(role: Role | undefined): void {
    this.#expected = role
    this.#firstRole = 'unknown'
    this.#standbySince = undefined
  }

  resize(size: { poolSize?: number; maxOverflow?: number }): void {
    this.#poolSize = size.poolSize ?? this.#poolSize
    this.#maxOverflow = size.maxOverflow ?? this.#maxOverflow
    this.environment.events.emit({
      type: 'poolResized',
      pool: this.environment.name,
      endpoint: this.endpoint.id,
      poolSize: this.#poolSize,
      maxOverflow: this.#maxOverflow,
    })
    for (const entry of this.#idle) {
      if (this.#entries.size <= this.#poolSize) break
      this.#close(entry, 'overflow')
    }
    this.supply()
  }

  async warmUp(count = this.#poolSize): Promise<void> {
    const wanted = Math.min(count, this.limit)
    // Holding them all at once is what makes them all be opened.
    const leases = await Promise.allSettled(
      Array.from({ length: wanted }, () => this.acquire({ label: 'warmUp' }, 'any', this.warmUp)),
    )
    for (const lease of leases) if (lease.status === 'fulfilled') lease.value.release()
    // These were held for as long as it took to open them all, which tells nothing about the callers to come.
    this.book.usualHeldMs = Number.NaN
    const failed = leases.find((lease) => lease.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  maintain(): void {
    if (this.closing) return
    const now = this.environment.clock.now()
    for (const entry of this.#idle) {
      const reason = this.#unfit(entry, now)
      if (reason !== undefined) this.#close(entry, reason)
      else if (
        now - entry.idleSince >= this.options.idleTimeoutMs &&
        this.#idle.size > this.options.minIdle
      ) {
        this.#close(entry, 'idle')
      }
    }
    for (const lease of this.book.scanForLeaks(this.limit)) this.#kill(lease, 'leaked')
    this.supply()
  }

  returnLease(lease: Lease<C>): void {
    const now = this.environment.clock.now()
    if (!this.book.end(lease, now)) return
    const { entry } = lease
    entry.uses += 1
    const unfit = this.#unfit(entry, now)
    const condition = this.#cleaner.inspect(entry)
    if (condition === 'clean' && unfit === undefined && !this.#cleaner.needsReset(entry)) {
      if (this.#wary) this.#test(entry)
      else this.#offer(entry, now)
    } else if (condition === 'busy' || condition === 'stuck') this.#clean(entry, lease)
    else if (condition === 'broken' || unfit !== undefined || this.closing) {
      this.#close(entry, condition === 'broken' ? 'lost' : (unfit ?? 'closed'))
      this.changed()
    } else this.#clean(entry, lease)
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    if (!this.book.end(lease, this.environment.clock.now())) return
    this.#close(lease.entry, 'destroyed', error === undefined ? undefined : toError(error))
    this.changed()
  }

  detachLease(lease: Lease<C>): void {
    if (!this.book.end(lease, this.environment.clock.now())) return
    lease.entry.state = 'detached'
    this.#entries.delete(lease.entry)
    this.changed()
  }

  destroy(entry: PoolEntry<C>, error: Error): void {
    if (entry.lease !== undefined) this.book.strikeOff(entry.lease)
    this.#close(entry, 'query-timeout', error)
    this.changed()
  }

  protected get limit(): number {
    return this.#poolSize + this.#maxOverflow
  }

  protected get empty(): boolean {
    return this.#entries.size === 0
  }

  protected get connections(): Iterable<PoolEntry<C>> {
    return this.#entries
  }

  protected adopt(entry: PoolEntry<C>): void {
    entry.suspect = this.#distrustful || this.#wary
    this.#entries.add(entry)
  }

  protected closeIdle(reason: CloseReason): void {
    for (const entry of this.#idle) this.#close(entry, reason)
  }

  protected closeAll(reason: CloseReason, error?: Error): void {
    for (const entry of this.#entries) this.#close(entry, reason, error)
  }

  /** Starts as much as the waiters need: idle connections first, then new ones. */
  protected supply(): void {
    if (this.suspended || this.closing) return
    const now = this.environment.clock.now()
    while (this.waiters.size > this.testing) {
      const entry = this.#takeIdle(now)
      if (entry === undefined) break
      if (this.#needsTest(entry, now)) this.#test(entry)
      else this.#serve(entry, now)
    }
    while (this.#wantsAnother(now) && this.connector.admits()) this.open(this.#lifetime())
  }

  #wantsAnother(now: number): boolean {
    const coming = this.opening + this.testing
    const open = this.#entries.size + this.opening
    if (open >= this.limit) return false
    if (this.waiters.size > coming) return this.opening === 0 || !this.#willSoonBeServed(now)
    const { minIdle } = this.options
    const expiring = this.#expiring(now)
    const lasting = this.#idle.size - expiring + coming - this.waiters.size
    return lasting < minIdle && open - expiring < this.#poolSize
  }

  /**
   * True if the queue is likely to be served by connections that come back before a further one could be opened: then
   * one connection on its way is enough, and a short burst does not leave a pool full of connections behind.
   */
  #willSoonBeServed(now: number): boolean {
    const { usualMs } = this.connector
    const { size } = this.book
    const usualHeldMs = this.book.usualHeldMs || 0
    const { first } = this.waiters
    if (usualMs === undefined || size === 0 || first === undefined) return false
    // Whoever has waited for longer than that proves the estimate wrong.
    const waitedMs = now - first.enqueuedAt
    return waitedMs < usualMs && (this.waiters.size * usualHeldMs) / size < usualMs
  }

  /** Idle connections so near to their death that a successor is to be there before. */
  #expiring(now: number): number {
    const { minIdle, maxLifetimeMs } = this.options
    // Without a reserve to keep up nothing is lost if one dies before its successor is wanted.
    if (minIdle === 0) return 0
    const ahead = Math.min(REPLACED_AHEAD_MS, maxLifetimeMs / 10)
    let expiring = 0
    for (const entry of this.#idle) if (entry.expiresAt - ahead <= now) expiring += 1
    return expiring
  }

  /** A connection that is new or has just been tested. */
  protected admit(entry: PoolEntry<C>): void {
    const now = this.environment.clock.now()
    const role = this.driver.role?.(entry.connection) ?? 'unknown'
    const unfit = this.closing ? 'closed' : this.#unfit(entry, now)
    if (entry.state === 'closed') this.changed()
    else if (unfit !== undefined) {
      this.#close(entry, unfit)
      this.changed()
    } else if (entry.suspect && entry.state === 'testing') this.#test(entry)
    else if (!this.#isWrong(entry, role, now)) {
      entry.role = role
      if (entry.state === 'testing') this.#wary = false
      if (this.#firstRole === 'unknown') this.#firstRole = role
      if (role === 'primary') this.#standbySince = undefined
      // The next borrower may want to write.
      else if (role === 'standby' && this.#isAstray(now)) entry.doomed = 'invalid'
      this.connector.succeeded()
      this.#offer(entry, now)
    } else if (this.#expected === undefined && entry.role === 'unknown') {
      // Said at connect, and by a pooler in between what it remembers of an earlier server: asked, the server knows.
      entry.role = role
      this.#test(entry)
    } else {
      const error = new ValidationFailedError(
        `expected a ${this.#expected ?? 'primary'}, found a ${role}`,
      )
      this.#close(entry, 'invalid', error)
      if (this.#expected !== undefined || entry.role !== 'primary') {
        this.connector.backOff(error)
        this.environment.observer.roleMismatch(this.endpoint, role)
      }
      this.changed()
    }
  }

  /**
   * Whether a connection leads to a server in a role it should not have. With nothing else to go by, one that led to a
   * primary must still: where a name or a proxy moves on to another server, those opened before stay behind. A new one
   * must too, unless it is for a reader: a proxy may lead to a standby for a moment, or to a winner not yet promoted.
   */
  #isWrong(entry: PoolEntry<C>, role: Role, now: number): boolean {
    if (role === 'unknown') return false
    if (this.#expected !== undefined) return role !== this.#expected
    if (role !== 'standby') return false
    const { target = 'primary' } = this.waiters.first ?? {}
    return entry.role === 'primary' || (target === 'primary' && this.#isAstray(now))
  }

  /** Whether an address of a primary leads to a standby. It does so for good if it does for long. */
  #isAstray(now: number): boolean {
    if (this.#expected !== undefined || this.#firstRole !== 'primary') return false
    this.#standbySince ??= now
    return now - this.#standbySince < ASTRAY_MS
  }

  /** Shortened at random, so that connections born together do not die together. */
  #lifetime(): number {
    const { maxLifetimeMs, lifetimeJitter } = this.options
    return maxLifetimeMs * (1 - lifetimeJitter * this.environment.clock.random())
  }

  #takeIdle(now: number): PoolEntry<C> | undefined {
    for (;;) {
      const entry = this.options.idleOrder === 'lifo' ? this.#idle.last : this.#idle.first
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
    if (entry.generation !== this.generation) return 'cleared'
    if (now >= entry.expiresAt) return 'lifetime'
    return entry.uses >= this.options.maxUses ? 'uses' : undefined
  }

  #needsTest(entry: PoolEntry<C>, now: number): boolean {
    if (entry.suspect) return true
    if (this.#expected !== undefined && this.driver.role !== undefined) {
      const role = this.driver.role(entry.connection)
      if (role !== this.#expected && role !== 'unknown') return true
    }
    return this.options.prePing && now - entry.idleSince > this.options.prePingBypassMs
  }

  #test(entry: PoolEntry<C>): void {
    const { clock, deadlines, events, name } = this.environment
    const { validateTimeoutMs } = this.options
    const startedAt = clock.now()
    entry.state = 'testing'
    this.testing += 1
    const ping = new Promise<void>((resolve, reject) => {
      this.#pings.set(entry, { sentAt: startedAt, giveUp: reject })
      attempt(() => this.driver.validate(entry.connection)).then(resolve, reject)
    })
    bounded(
      deadlines,
      validateTimeoutMs,
      ping,
      () => new PingUnansweredError(entry.id, `within ${validateTimeoutMs} ms`),
    ).then(
      () => {
        this.testing -= 1
        this.#pings.delete(entry)
        entry.suspect = false
        this.admit(entry)
      },
      (thrown: unknown) => {
        this.testing -= 1
        this.#pings.delete(entry)
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
        if (this.#distrustful && entry.uses === 0) this.connector.backOff(error)
        // What broke this connection has probably broken the others. To find out one by one that nobody answers would
        // take longer than callers have.
        if (error instanceof PingUnansweredError) this.#closeUnusedSince(startedAt, error)
        this.suspectAll()
        this.changed()
      },
    )
  }

  #closeUnusedSince(since: number, error: Error): void {
    for (const entry of this.#idle)
      if (entry.idleSince <= since) this.#close(entry, 'invalid', error)
  }

  /** Gives a usable connection to the first waiter, or keeps it if it belongs to the base, or lets it go. */
  #offer(entry: PoolEntry<C>, now: number): void {
    if (this.closing || this.#entries.size > this.limit) {
      this.#close(entry, this.closing ? 'closed' : 'overflow')
      this.changed()
    } else if (this.waiters.size > 0 && !this.suspended) this.#serve(entry, now)
    else if (this.#entries.size > this.#poolSize && !this.#succeeds(now)) {
      this.#close(entry, 'overflow')
    } else {
      entry.state = 'idle'
      entry.idleSince = now
      this.#idle.push(entry)
    }
  }

  /** Makes room for a new connection by closing the idle one that it was opened to replace. */
  #succeeds(now: number): boolean {
    if (this.#expiring(now) === 0) return false
    let oldest: PoolEntry<C> | undefined
    for (const entry of this.#idle) {
      if (oldest === undefined || entry.expiresAt < oldest.expiresAt) oldest = entry
    }
    if (oldest !== undefined) this.#close(oldest, 'lifetime')
    return true
  }

  #serve(entry: PoolEntry<C>, now: number): void {
    const waiter = this.waiters.shift()
    if (waiter === undefined) this.#offer(entry, now)
    else waiter.serve(this.#lend(entry, waiter.owner, waiter.enqueuedAt, now))
  }

  #lend(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    entry.state = 'inUse'
    return this.book.begin(entry, owner, requestedAt, now)
  }

  #clean(entry: PoolEntry<C>, lease: Lease<C>): void {
    entry.state = 'cleaning'
    this.#cleaner.clean(entry, lease).then(
      () => this.admit(entry),
      (error: unknown) => {
        this.#close(entry, 'dirty', toError(error))
        this.changed()
      },
    )
  }

  protected onSignal(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    if (entry.state === 'detached' || !isFatal(signal.kind)) return
    if (signal.kind === 'lost') {
      if (entry.lease !== undefined) this.book.strikeOff(entry.lease)
      this.#close(entry, 'lost', signal.error)
      this.changed()
    } else this.#invalidate(entry, 'lost')
    if (signal.kind === 'read-only' && this.#firstRole === 'primary') this.#wary = true
    // One connection in trouble voids the bypass window of all the others.
    this.suspectAll()
  }

  #invalidate(entry: PoolEntry<C>, reason: CloseReason): void {
    if (entry.state === 'idle') this.#close(entry, reason)
    else entry.doomed ??= reason
  }

  #kill(lease: Lease<C>, reason: CloseReason): void {
    this.#close(lease.entry, reason)
    this.book.strikeOff(lease)
  }

  #close(entry: PoolEntry<C>, reason: CloseReason, error?: Error): void {
    if (entry.state === 'closed') return
    this.#idle.remove(entry)
    this.#entries.delete(entry)
    this.retire(entry, reason, error)
  }

  *#currentLeases(): Generator<Lease<C>, void> {
    for (const { lease } of this.#entries) if (lease !== undefined) yield lease
  }
}
