import { AcquireAbortedError } from '../errors.js'
import type { AcquireFailedEvent } from '../events/pool-events.js'
import type { Effects } from '../flow/effects.js'
import type { Holding } from '../leaks/nesting.js'
import { type CapturedStack, withCallersStack } from '../leaks/stack.js'
import { Deadline, type Deadlines } from '../time/deadlines.js'
import type { Target } from '../vocabulary/target.js'
import type { AcquireRequest } from './acquire-request.js'
import type { Lease } from './lease.js'
import { type Linked, LinkedList } from './linked-list.js'

/** The caller that will own a lease: kept with the waiter, handed on to the lease. */
export interface LeaseOwner {
  readonly label: string | undefined
  readonly stack: CapturedStack | undefined
  /** It holds its connection for long on purpose. */
  readonly longLived?: boolean
  /** The leases that its flow holds, if flows are followed. */
  readonly holding?: Holding
  /** Effects of the unit of work that acquires, if that may be run again. */
  readonly effects?: Effects | undefined
}

/** The queue in which a waiter stands, which knows why it has not been served. */
export interface WaitPlace<C extends object> {
  timeoutError(waiter: Waiter<C>): Error
  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void
}

let lastSequence = 0

/** The next place in the order of arrival. */
export function nextSequence(): number {
  lastSequence += 1
  return lastSequence
}

// One executor for the promises of all waiters, instead of a closure for each: a tenth of what waiting costs.
let resolveNew: (value: unknown) => void
let rejectNew: (error: Error) => void
const executor = (resolve: (value: unknown) => void, reject: (error: Error) => void): void => {
  resolveNew = resolve
  rejectNew = reject
}

/**
 * One queued request. It settles exactly once, whichever comes first: a connection, its deadline, its signal, or the
 * end of the pool. It may move from one queue to another (when another endpoint takes over) without noticing.
 *
 * Its fields are set by the constructor and nothing in it is private to the engine: V8 defines class fields and private
 * members of a new object through a cache that does not survive in a process with much other code, and from then on
 * takes 1.2 µs longer for each waiter.
 */
export class Waiter<C extends object> extends Deadline implements Linked<Waiter<C>> {
  declare previous: Waiter<C> | undefined
  declare next: Waiter<C> | undefined
  declare list: WaitQueue<C> | undefined
  /** Order of arrival across all queues. */
  declare readonly sequence: number
  declare readonly request: AcquireRequest
  declare readonly owner: LeaseOwner
  declare readonly enqueuedAt: number
  declare readonly promise: Promise<Lease<C>>
  declare private readonly resolve: (lease: Lease<C>) => void
  declare private readonly reject: (error: Error) => void
  declare private onAbort: (() => void) | undefined

  constructor(
    deadlines: Deadlines,
    request: AcquireRequest,
    owner: LeaseOwner,
    enqueuedAt: number,
  ) {
    super()
    this.previous = undefined
    this.next = undefined
    this.list = undefined
    this.sequence = nextSequence()
    this.request = request
    this.owner = owner
    this.enqueuedAt = enqueuedAt
    this.promise = new Promise(executor as never)
    this.resolve = resolveNew
    this.reject = rejectNew
    deadlines.add(this, request.timeoutMs, enqueuedAt)
    this.onAbort = undefined
    const { signal } = request
    if (signal === undefined) return
    this.onAbort = this.failing(signal)
    signal.addEventListener('abort', this.onAbort, { once: true })
  }

  /**
   * Made here, and not where it is set: V8 takes a function that is written right of an assignment to a property for a method,
   * and makes it in the memory of what is old (`CheckAssigningFunctionLiteralToProperty` of its parser), where it would keep
   * the waiter until that is collected.
   */
  private failing(signal: AbortSignal): () => void {
    return () =>
      this.fail(
        'aborted',
        withCallersStack(() => new AcquireAbortedError(signal.reason), this.owner.stack),
      )
  }

  get target(): Target {
    return this.request.target
  }

  onExpired(): void {
    const place = this.list?.place
    if (place === undefined) return
    this.fail(
      'timeout',
      withCallersStack(() => place.timeoutError(this), this.owner.stack),
    )
  }

  serve(lease: Lease<C>): void {
    this.leave()
    this.resolve(lease)
  }

  fail(reason: AcquireFailedEvent['reason'], error: Error): void {
    const place = this.list?.place
    this.leave()
    place?.waiterFailed(this, reason, error)
    this.reject(error)
  }

  private leave(): void {
    this.list?.remove(this)
    this.cancel()
    if (this.onAbort !== undefined) this.request.signal?.removeEventListener('abort', this.onAbort)
  }
}

/** Waiters in the order in which they came. */
export class WaitQueue<C extends object> extends LinkedList<Waiter<C>> {
  constructor(readonly place: WaitPlace<C>) {
    super()
  }

  /** Takes out the waiters that `leaves` chooses, in order; they keep their deadlines, and stand in no queue until pushed again. */
  extract(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    const taken = [...this].filter(leaves)
    for (const waiter of taken) this.remove(waiter)
    return taken
  }

  /** Fails those who wait for `timeoutMs`. */
  giveUp(timeoutMs: number, errorFor: () => Error): void {
    for (const waiter of this)
      if (waiter.request.timeoutMs === timeoutMs) waiter.fail('connect-failed', errorFor())
  }

  failAll(reason: AcquireFailedEvent['reason'], errorFor: () => Error): void {
    for (const waiter of this) waiter.fail(reason, errorFor())
  }
}
