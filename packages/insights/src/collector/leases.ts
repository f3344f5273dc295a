import type { Clock, EndedLease } from '@connmgr/core/driver'
import type { NPlusOneDetector } from '../n-plus-one/detector.js'
import { currentRequest } from '../n-plus-one/requests.js'
import type { HeldIdleStats } from '../snapshot.js'
import { HeldIdle, TransactionTable } from './held-idle.js'
import { LeaseRecord, OpenTransaction } from './lease-record.js'
import { LoopIdle } from './loop-idle.js'
import { OpenTable } from './open-table.js'
import type { Path } from './paths.js'
import type { Running } from './running.js'

/** The leases that callers hold themselves, and the transactions on them. */
export class Leases {
  readonly #clock: Clock
  readonly #loopIdle: LoopIdle
  readonly #detector: NPlusOneDetector | undefined
  readonly #open = new OpenTable<LeaseRecord>()
  readonly heldIdle: HeldIdle
  readonly transactions = new TransactionTable()
  ended = 0
  heldMs = 0
  heldIdleMs = 0

  constructor(clock: Clock, heldIdleMs: number, detector: NPlusOneDetector | undefined) {
    this.#clock = clock
    this.#loopIdle = new LoopIdle(clock)
    this.#detector = detector
    this.heldIdle = new HeldIdle(heldIdleMs)
  }

  get open(): Iterable<LeaseRecord> {
    return this.#open.values()
  }

  /** @param longLived leases that are held on purpose, of which nothing is to be said */
  heldIdleStats(longLived: ReadonlySet<number>): HeldIdleStats[] {
    const open = [...this.#open.entries()].flatMap(([id, lease]) =>
      longLived.has(id) ? [] : lease,
    )
    return this.heldIdle.stats(open, this.#clock.now())
  }

  find(lease: number | undefined): LeaseRecord | undefined {
    // With none open, statements of pools are spared a look-up each.
    return lease === undefined || this.#open.size === 0 ? undefined : this.#open.get(lease)
  }

  /** The open lease whose session the server calls so. */
  byProcess(processId: number): LeaseRecord | undefined {
    for (const each of this.#open.values()) if (each.processId === processId) return each
    return undefined
  }

  acquired(lease: number, path: Path): void {
    this.#open.set(lease, new LeaseRecord(path, this.#loopIdle, this.#clock.now()))
  }

  released(lease: EndedLease, heldMs: number): void {
    const record = this.#open.remove(lease.id)
    if (record === undefined) return
    const now = this.#clock.now()
    record.end(now)
    // One that is returned inside a transaction is rolled back, or destroyed.
    if (record.transaction !== undefined) this.#end(record, record.transaction, now, false)
    if (lease.isLongLived) return
    this.heldIdle.add(record, heldMs)
    this.ended += 1
    this.heldMs += heldMs
    this.heldIdleMs += Math.max(0, heldMs - record.runMs - record.excusedMs)
  }

  /** A statement has ended on a lease. */
  ran({ context, likelyPath, lease, text }: Running): void {
    if (lease === undefined) return
    const sentAt = context.startedAt + (context.waitMs ?? 0)
    const endedAt = sentAt + (context.runMs ?? 0)
    lease.processId = context.processId ?? lease.processId
    lease.ran(text.fingerprint, likelyPath, sentAt, endedAt)
    const { transaction } = context
    if (transaction === undefined) return
    if (lease.transaction?.id !== transaction.id) {
      if (lease.transaction !== undefined) this.#end(lease, lease.transaction, sentAt, false)
      const unit = currentRequest() === undefined ? this.#detector?.transaction() : undefined
      lease.transaction = new OpenTransaction(transaction.id, sentAt, unit)
    }
    const open = lease.transaction
    open.runMs += context.runMs ?? 0
    if (transaction.boundary === undefined) open.statements += 1
    else if (transaction.boundary !== 'begin')
      this.#end(lease, open, endedAt, transaction.boundary === 'commit')
  }

  /** So much time went by that is not the time of any holder. */
  excuse(durationMs: number): void {
    for (const each of this.#open.values()) each.excuse(durationMs)
  }

  clear(): void {
    this.heldIdle.clear()
    this.transactions.clear()
    this.ended = 0
    this.heldMs = 0
    this.heldIdleMs = 0
  }

  forgetOpen(): void {
    this.#open.clear()
  }

  #end(lease: LeaseRecord, open: OpenTransaction, at: number, committed: boolean): void {
    lease.transaction = undefined
    this.transactions.add(lease.path, {
      committed,
      lengthMs: Math.max(0, at - open.beganAt),
      runMs: open.runMs,
      statements: open.statements,
    })
  }
}
