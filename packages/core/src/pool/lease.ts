import type { Endpoint, LeaseFence } from '../driver/contract.js'
import { LeaseReleasedError } from '../errors.js'
import { type CapturedStack, type FunctionReference, leadsToUser } from '../leaks/stack.js'
import type { LeaseCourse, WatchedLease } from '../leaks/watched-lease.js'
import { printAsJson } from '../secrets/print.js'
import { redactText } from '../secrets/redact-text.js'
import type { PoolEntry } from './entry.js'
import type { LeaseOwner } from './waiter.js'

/** What a lease asks of the pool it came from. */
export interface LeaseHome<C extends object> {
  /** Leases that may not have ended yet, in no order. */
  readonly leases: Iterable<Lease<C>>
  returnLease(lease: Lease<C>): void
  destroyLease(lease: Lease<C>, error: unknown): void
  detachLease(lease: Lease<C>): void
  releasedTwice(lease: Lease<C>): void
  /** Whether its connection may have died unnoticed since it was lent. */
  isSuspect(lease: Lease<C>, now: number): boolean
  /** What the lease hands out for its connection. */
  fence(lease: Lease<C>): C
  usedAfterEnd(lease: Lease<C>, statement: string | undefined): void
  /** The stack of a statement that is being sent, of which `below` is the function that the caller called. */
  stackOfUse(below: FunctionReference): CapturedStack | undefined
}

/** Statements of a lease whose stacks are captured: the first few may be of a library, such as a BEGIN. */
const USES_TO_NOTE = 3

/**
 * What a lease has handed out. Of a class: V8 would come to make literals in old memory, as many of the first to be made
 * survive a collection, and all that they lead to would survive until that is collected.
 */
class HandedOut<C> {
  declare readonly handle: C
  /** To be called when the lease is released. */
  declare tidy: (() => void) | undefined
  /** What to report of the lease after its end, when its connection reports another. */
  declare past: LeaseCourse | undefined

  constructor(handle: C) {
    this.handle = handle
    this.tidy = undefined
    this.past = undefined
  }
}

let lastLeaseId = 0

/**
 * The right to use one connection until it is returned. Return it exactly once, best by
 * `await using lease = await manager.acquire()` or by `manager.use()`, which cannot forget.
 *
 * Its fields are set by the constructor for the reason given at `Waiter`.
 *
 * @example
 * const lease = await manager.acquire()
 * try {
 *   await lease.connection.query('select 1')
 * } finally {
 *   lease.release()
 * }
 */
export class Lease<C extends object> implements LeaseFence, WatchedLease {
  static {
    printAsJson(Lease.prototype)
  }

  /** Unique within the process. */
  declare readonly id: number
  declare readonly acquiredAt: number
  /** Changes with every change of the writer; two leases with the same epoch saw the same writer. */
  declare readonly epoch: number
  declare readonly owner: LeaseOwner
  /** Totals at the start of the lease: what happened in it is the difference. */
  declare queryCountBefore: number
  declare readonly stalledBefore: number
  /** Where its first statements came from, as libraries may acquire in a flow that does not lead to their caller. */
  declare private uses: CapturedStack[] | undefined
  declare private usesToNote: number
  /** Set once it has been reported as leaked. */
  declare leaked: boolean
  /** @internal true while the pool counts it; false also once its connection was taken away from its holder */
  declare booked: boolean
  /** @internal the pool's record of the connection */
  declare readonly entry: PoolEntry<C>
  declare private readonly home: LeaseHome<C>
  declare private ended: 'released' | 'destroyed' | 'detached' | undefined
  /** @internal of the handle, if it has been asked for: the leases of a pool's own `query` never are */
  declare handedOut: HandedOut<C> | undefined

  constructor(
    home: LeaseHome<C>,
    entry: PoolEntry<C>,
    owner: LeaseOwner,
    acquiredAt: number,
    epoch: number,
    stalledBefore: number,
  ) {
    this.id = ++lastLeaseId
    this.acquiredAt = acquiredAt
    this.epoch = epoch
    this.owner = owner
    this.queryCountBefore = entry.activity === undefined ? 0 : entry.activity.queryCount
    this.stalledBefore = stalledBefore
    this.uses = undefined
    this.usesToNote = owner.stack === undefined ? 0 : USES_TO_NOTE
    this.leaked = false
    this.booked = true
    this.entry = entry
    this.home = home
    this.ended = undefined
    this.handedOut = undefined
  }

  /**
   * The driver's connection, by a handle that ends with this lease: kept longer, it refuses every use.
   *
   * @throws LeaseReleasedError `CONNMGR_LEASE_RELEASED` once the lease has ended
   */
  get connection(): C {
    if (this.ended !== undefined) throw this.refuse()
    if (this.handedOut === undefined) this.handOut(this.home.fence(this))
    return (this.handedOut as unknown as HandedOut<C>).handle
  }

  /** @internal Has `handle` be what the lease hands out for its connection. */
  handOut<H extends C>(handle: H): H {
    this.handedOut = new HandedOut<C>(handle)
    return handle
  }

  get connectionId(): number {
    return this.entry.id
  }

  get endpoint(): Endpoint {
    return this.entry.endpoint
  }

  get label(): string | undefined {
    return this.owner.label
  }

  /** @internal held for long on purpose: its holder says so, or its session needs a connection of its own */
  get isLongLived(): boolean {
    return this.owner.longLived === true || this.entry.activity?.longLived === true
  }

  /** True until the lease is released, destroyed or detached. */
  get active(): boolean {
    return this.ended === undefined
  }

  /** Returns the connection to the pool. A second call only emits `leaseMisused`. */
  release(): void {
    if (!this.#end('released')) return
    this.handedOut?.tidy?.()
    this.home.returnLease(this)
  }

  /** Closes the connection instead of returning it, if it cannot be trusted any more. */
  destroy(error?: unknown): void {
    if (!this.#end('destroyed')) return
    this.home.destroyLease(this, error)
  }

  /** Takes the connection out of the pool for good; from now on it is the caller's to close. Its slot becomes free. */
  detach(): C {
    if (this.ended !== undefined) throw this.refuse()
    this.#end('detached')
    this.home.detachLease(this)
    return this.entry.connection
  }

  /**
   * @internal Whether its connection may have died unnoticed since it was lent, for example while the process stood still.
   * Begin new work on another connection.
   */
  isSuspect(now: number): boolean {
    return this.home.isSuspect(this, now)
  }

  /** @internal */
  refuse(statement?: string): LeaseReleasedError {
    this.home.usedAfterEnd(this, statement)
    return new LeaseReleasedError(this.id, this.ended ?? 'released')
  }

  /** @internal A statement is being sent. @param below the function that the caller called */
  noteUse(below: FunctionReference): void {
    if (this.usesToNote === 0) return
    this.usesToNote -= 1
    const stack = this.home.stackOfUse(below)
    if (stack === undefined) return
    this.uses ??= []
    this.uses.push(stack)
  }

  /** @internal Statements sent until `endPreparation` are not the borrower's. */
  beginPreparation(): void {
    this.usesToNote = 0
    const { activity } = this.entry
    if (activity !== undefined) activity.lease = undefined
  }

  /** @internal */
  endPreparation(): void {
    this.usesToNote = this.owner.stack === undefined ? 0 : USES_TO_NOTE
    const { activity } = this.entry
    if (activity === undefined) return
    if (activity.queryCount > this.queryCountBefore) this.entry.prepared = true
    this.queryCountBefore = activity.queryCount
    if (this.booked) activity.lease = this
  }

  /** @internal the stack that shows best whose lease it is */
  get whereabouts(): CapturedStack | undefined {
    const { stack } = this.owner
    if (stack === undefined || this.uses === undefined || leadsToUser(stack)) return stack
    return this.uses.find(leadsToUser) ?? stack
  }

  /** @internal */
  onRelease(tidy: () => void): void {
    if (this.handedOut !== undefined) this.handedOut.tidy = tidy
  }

  /** What `JSON.stringify`, `console.log` and loggers show of a lease: not the connection. */
  toJSON(): object {
    const { id, connectionId, label, active, leaked } = this
    return {
      id,
      connectionId,
      endpoint: this.endpoint.id,
      ...(label === undefined ? {} : { label: redactText(label) }),
      active,
      leaked,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.active) this.release()
  }

  #end(how: 'released' | 'destroyed' | 'detached'): boolean {
    if (this.ended !== undefined) {
      this.home.releasedTwice(this)
      return false
    }
    this.ended = how
    return true
  }
}
