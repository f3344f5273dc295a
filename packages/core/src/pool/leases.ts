import type { Topic } from '../events/emitter.js'
import { summarize } from '../events/event-parts.js'
import type { AcquireFailedEvent } from '../events/pool-events.js'
import { currentEffects } from '../flow/effects.js'
import { currentContext } from '../leaks/context.js'
import { activityOf, heldFor, type LeakTracking, reportLease } from '../leaks/leak-detector.js'
import type { CapturedStack, FunctionReference } from '../leaks/stack.js'
import type { Runtime } from '../runtime.js'
import type { LeakCounts } from '../vocabulary/counts.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { AcquireRequest } from './acquire-request.js'
import type { LeaseRecords } from './connection-pool.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import { Lease, type LeaseHome } from './lease.js'
import { PoolTotals } from './metrics.js'
import type { PoolMeasures } from './pool-measures.js'
import type { LeaseOwner } from './waiter.js'

const HOLDERS_IN_ERROR = 5
const SAME_MOMENT_MS = 1
const ANONYMOUS: LeaseOwner = { label: undefined, stack: undefined, longLived: false }

/** Records who holds which connection: the leases of one pool, its totals, and its leaks. */
export class Leases<C extends object> implements LeaseRecords {
  /** Where leases return their connections to. The pool sets it before it lends any. */
  home!: LeaseHome<C>
  readonly totals = new PoolTotals()
  readonly measures: PoolMeasures
  readonly leaks: LeakTracking
  /** Leases that have not ended. */
  size = 0
  /**
   * The recent time for which a lease lasts: the mean of the returned leases, the latest weighing most; `NaN` until one is
   * returned. Never undefined, so that it stays a plain double and each release need not allocate one.
   */
  usualHeldMs = Number.NaN
  #holdersSeen: readonly LeaseReport[] = []
  #holdersSeenAt = Number.NEGATIVE_INFINITY
  readonly #context: PoolContext<C>
  readonly #runtime: Runtime
  readonly #acquired: Topic
  readonly #released: Topic
  readonly #failed: Topic

  constructor(context: PoolContext<C>, leaks: LeakTracking) {
    this.#context = context
    this.#runtime = context.runtime
    this.measures = context.measures
    this.leaks = leaks
    this.#acquired = context.runtime.events.topic('connectionAcquired')
    this.#released = context.runtime.events.topic('connectionReleased')
    this.#failed = context.runtime.events.topic('acquireFailed')
  }

  get leakCounts(): LeakCounts {
    return this.leaks.counts
  }

  /**
   * Identifies a caller that is about to acquire.
   *
   * @param load the callers that have a connection or wait for one
   */
  identify(
    { below, options }: AcquireRequest,
    load: number,
    limit: number,
    now: number,
  ): LeaseOwner {
    const context = currentContext()
    const stack =
      context?.origin?.stack ??
      (this.leaks.wantsStack(load, limit, now, below) ? this.leaks.capture(below) : undefined)
    const label = options.label ?? context?.label
    const longLived = options.longLived ?? context?.longLived ?? false
    const effects = currentEffects()
    const { nesting } = this.leaks
    if (nesting !== undefined) return { label, stack, longLived, effects, holding: nesting.enter() }
    return label === undefined && stack === undefined && effects === undefined && !longLived
      ? ANONYMOUS
      : { label, stack, longLived, effects }
  }

  stackOfUse(below: FunctionReference): CapturedStack | undefined {
    return this.leaks.wantsStackOfUse(this.#runtime.clock.now())
      ? this.leaks.capture(below)
      : undefined
  }

  begin(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    const { stall, events, name } = this.#runtime
    const { epoch } = this.#context.observer
    const lease = new Lease(this.home, entry, owner, now, epoch, stall.stalledAt(now))
    // Kept by the connection also after its end, so that there is always one of its shape: without any, the garbage
    // collector drops the shape, and with it all code optimized for it (0.1 µs per lease after each collection).
    entry.lease = lease
    if (entry.activity !== undefined) entry.activity.lease = lease
    if (owner.holding !== undefined) owner.holding.lease = lease
    this.size += 1
    this.totals.checkouts += 1
    this.totals.waitedMs += now - requestedAt
    this.measures.wait.record(now - requestedAt)
    this.measures.demand.change(1, now)
    if (this.#acquired.wanted) {
      events.emit({
        type: 'connectionAcquired',
        pool: name,
        endpoint: this.#context.endpoint.id,
        connectionId: entry.id,
        leaseId: lease.id,
        durationMs: now - requestedAt,
      })
    }
    return lease
  }

  /** Ends a lease whose connection was taken away from it. */
  strikeOff(lease: Lease<C>): void {
    if (!lease.booked) return
    this.#count(lease, this.#runtime.clock.now())
    this.leaks.ended(lease)
  }

  /** Ends a lease that its holder returned; false if it was struck off before. */
  end(lease: Lease<C>, now: number): boolean {
    if (!lease.booked) return false
    const { events, name } = this.#runtime
    const heldMs = this.#count(lease, now)
    if (this.leaks.ended(lease)) {
      events.emit({
        type: 'leakResolved',
        pool: name,
        endpoint: this.#context.endpoint.id,
        connectionId: lease.connectionId,
        durationMs: heldMs,
        lease: reportLease(lease, this.#runtime),
      })
    }
    if (this.#released.wanted) {
      events.emit({
        type: 'connectionReleased',
        pool: name,
        endpoint: this.#context.endpoint.id,
        connectionId: lease.connectionId,
        leaseId: lease.id,
        durationMs: heldMs,
        ...(lease.isLongLived ? { longLived: true } : {}),
      })
    }
    return true
  }

  /** Reports new leaks; returns those whose connection must be destroyed. */
  scanForLeaks(limit: number): Lease<C>[] {
    const { events, name } = this.#runtime
    const leaked = this.leaks.scan(this.current(), limit)
    for (const lease of leaked) {
      const report = reportLease(lease, this.#runtime)
      events.emit({
        type: 'leakDetected',
        pool: name,
        endpoint: this.#context.endpoint.id,
        connectionId: lease.connectionId,
        durationMs: report.heldForMs,
        lease: report,
        reclaimed: this.leaks.reclaim,
      })
    }
    return this.leaks.reclaim ? leaked : []
  }

  /** The lease with this id; undefined if it has ended. */
  find(leaseId: number): Lease<C> | undefined {
    for (const lease of this.home.leases) if (lease.id === leaseId && lease.booked) return lease
    return undefined
  }

  /** Leases that have not ended, oldest first. */
  current(): Lease<C>[] {
    const current: Lease<C>[] = []
    for (const lease of this.home.leases) if (lease.booked) current.push(lease)
    return current.sort((a, b) => a.id - b.id)
  }

  /** The oldest leases. Many waiters may time out at once, and share one list. */
  longestHolders(): readonly LeaseReport[] {
    const now = this.#runtime.clock.now()
    if (now - this.#holdersSeenAt > SAME_MOMENT_MS) {
      this.#holdersSeen = this.holders(now, HOLDERS_IN_ERROR)
      this.#holdersSeenAt = now
    }
    return this.#holdersSeen
  }

  /** Every lease that has not ended, longest first. */
  holders(now = this.#runtime.clock.now(), atMost = Number.POSITIVE_INFINITY): LeaseReport[] {
    const reports: LeaseReport[] = []
    for (const lease of this.current()) {
      if (reports.length >= atMost) break
      reports.push(reportLease(lease, this.#runtime, now))
    }
    return reports
  }

  /** Every lease held for longer than the leak threshold, longest first. */
  leaked(now = this.#runtime.clock.now()): LeaseReport[] {
    const stalledMs = this.#runtime.stall.stalledAt(now)
    const reports: LeaseReport[] = []
    for (const lease of this.current()) {
      if (!lease.isLongLived && heldFor(lease, now, stalledMs) >= this.leaks.thresholdMs) {
        reports.push(reportLease(lease, this.#runtime, now))
      }
    }
    return reports
  }

  acquireFailed(reason: AcquireFailedEvent['reason'], error: Error, waitedMs: number): void {
    this.totals.failedCheckouts += 1
    if (!this.#failed.wanted) return
    this.#runtime.events.emit({
      type: 'acquireFailed',
      pool: this.#runtime.name,
      endpoint: this.#context.endpoint.id,
      reason,
      durationMs: waitedMs,
      error: summarize(error),
    })
  }

  #count(lease: Lease<C>, now: number): number {
    const heldMs = now - lease.acquiredAt
    if (lease.handedOut !== undefined) lease.handedOut.past = activityOf(lease, this.#runtime, now)
    lease.booked = false
    const { leaseObservers } = this.#runtime
    if (leaseObservers.any) leaseObservers.ended(lease, heldMs)
    this.size -= 1
    this.totals.returned += 1
    this.totals.heldMs += heldMs
    this.measures.use.record(heldMs)
    this.measures.demand.change(-1, now)
    this.usualHeldMs =
      this.usualHeldMs >= 0 ? this.usualHeldMs + (heldMs - this.usualHeldMs) / 8 : heldMs
    return heldMs
  }
}
