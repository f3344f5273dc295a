import type { Endpoint } from '../driver.js'
import { type AcquireFailedEvent, summarize } from '../events/events.js'
import { currentContext } from '../leaks/context.js'
import { heldFor, type LeakTracking, reportLease } from '../leaks/leak-detector.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import { captureStack, type FunctionReference } from '../leaks/stack.js'
import type { PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import { Lease, type LeaseHome } from './lease.js'
import { LinkedList } from './linked-list.js'
import { PoolTotals } from './metrics.js'
import type { LeaseOwner } from './waiter.js'

/** Writes down who holds what: the leases of one pool, its totals, and its leaks. */
export class LeaseBook<C extends object> {
  readonly totals = new PoolTotals()
  readonly leaks: LeakTracking<C>
  /** Oldest first. */
  readonly #leases = new LinkedList<Lease<C>>()
  readonly #home: LeaseHome<C>
  readonly #endpoint: Endpoint
  readonly #environment: PoolEnvironment

  constructor(
    home: LeaseHome<C>,
    endpoint: Endpoint,
    leaks: LeakTracking<C>,
    environment: PoolEnvironment,
  ) {
    this.#home = home
    this.#endpoint = endpoint
    this.leaks = leaks
    this.#environment = environment
  }

  get size(): number {
    return this.#leases.size
  }

  get leases(): Iterable<Lease<C>> {
    return this.#leases
  }

  /**
   * Who is about to acquire. `below` is the function that the caller called; `load` counts those who have a connection
   * and those who wait for one.
   */
  identify(
    label: string | undefined,
    below: FunctionReference,
    load: number,
    limit: number,
  ): LeaseOwner {
    const context = currentContext()
    const stack =
      context?.origin ?? (this.leaks.wantsStack(load, limit) ? captureStack(below) : undefined)
    return { label: label ?? context?.label, stack }
  }

  begin(entry: PoolEntry<C>, owner: LeaseOwner, requestedAt: number, now: number): Lease<C> {
    const { epoch, stall, events, name } = this.#environment
    const lease = new Lease(this.#home, entry, owner, now, epoch(), stall.stalledMs)
    this.#leases.push(lease)
    this.totals.checkouts += 1
    this.totals.waitedMs += now - requestedAt
    if (events.has('connectionAcquired')) {
      events.emit({
        type: 'connectionAcquired',
        pool: name,
        endpoint: this.#endpoint.id,
        connectionId: entry.id,
        leaseId: lease.id,
        durationMs: now - requestedAt,
      })
    }
    return lease
  }

  /** Ends a lease whose connection was taken away from it. */
  strikeOff(lease: Lease<C>): void {
    if (!this.#leases.remove(lease)) return
    this.#count(lease)
    this.leaks.ended(lease)
  }

  /** Ends a lease that its holder gave back; false if it had been struck off before. */
  end(lease: Lease<C>): boolean {
    if (!this.#leases.remove(lease)) return false
    const { clock, stall, events, name } = this.#environment
    const heldMs = this.#count(lease)
    if (this.leaks.ended(lease)) {
      events.emit({
        type: 'leakResolved',
        pool: name,
        endpoint: this.#endpoint.id,
        connectionId: lease.connectionId,
        durationMs: heldMs,
        lease: reportLease(lease, clock, stall),
      })
    }
    if (events.has('connectionReleased')) {
      events.emit({
        type: 'connectionReleased',
        pool: name,
        endpoint: this.#endpoint.id,
        connectionId: lease.connectionId,
        leaseId: lease.id,
        durationMs: heldMs,
      })
    }
    return true
  }

  /** Reports new leaks; returns those whose connection is to be destroyed. */
  scanForLeaks(): Lease<C>[] {
    const { clock, stall, events, name } = this.#environment
    const leaked = this.leaks.scan(this.#leases)
    for (const lease of leaked) {
      const report = reportLease(lease, clock, stall)
      events.emit({
        type: 'leakDetected',
        pool: name,
        endpoint: this.#endpoint.id,
        connectionId: lease.connectionId,
        durationMs: report.heldForMs,
        lease: report,
        reclaimed: this.leaks.reclaim,
      })
    }
    return this.leaks.reclaim ? leaked : []
  }

  /** Everyone who holds a connection now, longest first. */
  holders(): LeaseReport[] {
    const { clock, stall } = this.#environment
    return Array.from(this.#leases, (lease) => reportLease(lease, clock, stall))
  }

  /** Everyone who has held a connection for longer than the leak threshold, longest first. */
  leaked(): LeaseReport[] {
    const { clock, stall } = this.#environment
    const now = clock.now()
    const stalledMs = stall.stalledMs
    const reports: LeaseReport[] = []
    for (const lease of this.#leases) {
      if (heldFor(lease, now, stalledMs) >= this.leaks.thresholdMs) {
        reports.push(reportLease(lease, clock, stall))
      }
    }
    return reports
  }

  acquireFailed(reason: AcquireFailedEvent['reason'], error: Error, waitedMs: number): void {
    this.totals.failedCheckouts += 1
    this.#environment.events.emit({
      type: 'acquireFailed',
      pool: this.#environment.name,
      endpoint: this.#endpoint.id,
      reason,
      durationMs: waitedMs,
      error: summarize(error),
    })
  }

  #count(lease: Lease<C>): number {
    const heldMs = this.#environment.clock.now() - lease.acquiredAt
    this.totals.returned += 1
    this.totals.heldMs += heldMs
    return heldMs
  }
}
