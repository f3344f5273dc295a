import { type ConnectionSignal, isFatal } from '../driver.js'
import { toError, UnsupportedError } from '../errors.js'
import type { Target } from '../failover/states.js'
import type { FunctionReference } from '../leaks/stack.js'
import { BasePool } from './base-pool.js'
import type { CloseReason, PoolEntry } from './entry.js'
import type { Lease } from './lease.js'
import type { PoolCounts } from './metrics.js'
import type { AcquireOptions } from './options.js'

/**
 * One connection that all callers share at the same time, for engines in which a second connection would be another
 * database (SQLite in memory) or is not allowed. Opened when first needed, and again after it was lost.
 *
 * Nobody owns the connection alone, so nothing is reset when a lease ends, and a lease cannot be detached.
 */
export class StaticPool<C extends object> extends BasePool<C> {
  readonly size = 1
  readonly leases = new Set<Lease<C>>()
  #entry: PoolEntry<C> | undefined
  /** Replaced already, and still used by those who have it. */
  readonly #leaving = new Set<PoolEntry<C>>()

  get counts(): PoolCounts {
    const total = this.#entry === undefined ? 0 : 1
    const inUse = this.book.size > 0 ? total : 0
    return {
      total,
      idle: total - inUse,
      inUse,
      connecting: this.opening,
      waiting: this.waiters.size,
      overflow: 0,
      limit: 1,
    }
  }

  acquire(options: AcquireOptions, target: Target, below: FunctionReference): Promise<Lease<C>> {
    const refusal = this.refuse(options)
    if (refusal !== undefined) return refusal
    if (this.#entry !== undefined && !this.suspended) {
      const now = this.environment.clock.now()
      const owner = this.identify(options, below, now)
      const lease = this.book.begin(this.#entry, owner, now, now)
      this.leases.add(lease)
      return Promise.resolve(lease)
    }
    if (this.waiters.size >= this.options.maxWaiters) return this.queueIsFull()
    const waiter = this.createWaiter(options, target, below)
    this.enqueue(waiter)
    return waiter.promise
  }

  evict(connectionId: number): boolean {
    if (this.#entry?.id !== connectionId) return false
    this.#replace('evicted')
    this.supply()
    return true
  }

  /** The one connection is replaced when it is lost; there is no other to compare it with. */
  suspectAll(): void {}

  answered(): void {}

  /** Likewise. */
  distrust(): void {}

  /** A server of this kind has no role. */
  expect(): void {}

  /** There is always one connection. */
  resize(): void {}

  async warmUp(): Promise<void> {
    const lease = await this.acquire({ label: 'warmUp' }, 'any', this.warmUp)
    lease.release()
  }

  maintain(): void {
    // Reclaiming would take the connection from everybody else, so a leak is only reported.
    this.book.scanForLeaks(Number.POSITIVE_INFINITY)
  }

  returnLease(lease: Lease<C>): void {
    const { entry } = lease
    const broken = entry === this.#entry && this.driver.inspect(entry.connection) === 'broken'
    this.#end(lease, broken ? 'lost' : undefined)
  }

  destroyLease(lease: Lease<C>, error: unknown): void {
    this.#end(lease, 'destroyed', error === undefined ? undefined : toError(error))
  }

  /** @throws UnsupportedError `CONNMGR_UNSUPPORTED`, always: the connection is not this caller's alone */
  detachLease(lease: Lease<C>): void {
    this.returnLease(lease)
    throw new UnsupportedError(
      'the connection of a static pool is shared and cannot be detached; the lease was released instead',
    )
  }

  destroy(entry: PoolEntry<C>, error: Error): void {
    if (entry === this.#entry) this.#drop('query-timeout', error)
    else if (this.#leaving.delete(entry)) this.retire(entry, 'query-timeout', error)
    this.changed()
  }

  /** More than the number of callers, however many these are. */
  protected get limit(): number {
    return Number.POSITIVE_INFINITY
  }

  /** Asked only of a pool that closes, which keeps a connection only for those who have it. */
  protected get empty(): boolean {
    return this.leases.size === 0
  }

  protected get connections(): Iterable<PoolEntry<C>> {
    return this.#entry === undefined ? this.#leaving : [this.#entry, ...this.#leaving]
  }

  protected adopt(entry: PoolEntry<C>): void {
    this.#entry = entry
  }

  protected admit(): void {
    this.connector.succeeded()
    if (!this.closing) return
    // Closed between the last moment at which the attempt could be given up and this one.
    this.#drop('closed')
    this.changed()
  }

  protected supply(): void {
    if (this.suspended || this.closing || this.waiters.size === 0) return
    if (this.#entry === undefined) {
      if (this.opening === 0 && this.connector.admits()) this.open(Number.POSITIVE_INFINITY)
      return
    }
    const now = this.environment.clock.now()
    for (let waiter = this.waiters.shift(); waiter !== undefined; waiter = this.waiters.shift()) {
      const lease = this.book.begin(this.#entry, waiter.owner, waiter.enqueuedAt, now)
      this.leases.add(lease)
      waiter.serve(lease)
    }
  }

  protected onSignal(entry: PoolEntry<C>, signal: ConnectionSignal): void {
    if (entry !== this.#entry || !isFatal(signal.kind)) return
    this.#drop('lost', signal.error)
    this.changed()
  }

  protected closeIdle(reason: CloseReason): void {
    this.#replace(reason)
  }

  protected closeAll(reason: CloseReason, error?: Error): void {
    this.leases.clear()
    this.#drop(reason, error)
    for (const entry of this.#leaving) this.retire(entry, reason, error)
    this.#leaving.clear()
  }

  #end(lease: Lease<C>, reason: CloseReason | undefined, error?: Error): void {
    const { entry } = lease
    this.leases.delete(lease)
    this.book.end(lease, this.environment.clock.now())
    if (reason !== undefined && entry === this.#entry) this.#drop(reason, error)
    else if (this.#leaving.has(entry) && !this.#isUsed(entry)) {
      this.#leaving.delete(entry)
      this.retire(entry, reason ?? entry.doomed ?? 'closed', error)
    }
    this.changed()
  }

  /** Lends it to nobody any more, and closes it when the last of those who have it gives it back. */
  #replace(reason: CloseReason): void {
    const entry = this.#entry
    if (entry === undefined || !this.#isUsed(entry)) {
      this.#drop(reason)
      return
    }
    this.#entry = undefined
    entry.doomed = reason
    this.#leaving.add(entry)
  }

  #drop(reason: CloseReason, error?: Error): void {
    const entry = this.#entry
    if (entry === undefined) return
    this.#entry = undefined
    this.retire(entry, reason, error)
  }

  #isUsed(entry: PoolEntry<C>): boolean {
    for (const lease of this.leases) if (lease.entry === entry) return true
    return false
  }
}
