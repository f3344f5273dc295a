import { Deadline, type Deadlines } from '../deadlines.js'
import { AcquireAbortedError } from '../errors.js'
import type { AcquireFailedEvent } from '../events/events.js'
import type { Target } from '../failover/states.js'
import { type CapturedStack, withCallersStack } from '../leaks/stack.js'
import type { Lease } from './lease.js'
import { type Linked, LinkedList } from './linked-list.js'

/** Who will own a lease: kept with the waiter, handed on to the lease. */
export interface LeaseOwner {
  readonly label: string | undefined
  readonly stack: CapturedStack | undefined
}

/** Where a waiter stands at the moment, and so who knows why it has not been served. */
export interface WaitPlace<C extends object> {
  timeoutError(waiter: Waiter<C>): Error
  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void
}

let lastSequence = 0

/**
 * One queued request. It settles exactly once, whichever comes first: a connection, its deadline, its signal, or the
 * end of the pool. It may move from one queue to another (when another endpoint takes over) without noticing.
 */
export class Waiter<C extends object> extends Deadline implements Linked<Waiter<C>> {
  previous: Waiter<C> | undefined = undefined
  next: Waiter<C> | undefined = undefined
  list: LinkedList<Waiter<C>> | undefined = undefined
  place: WaitPlace<C> | undefined = undefined

  /** Order of arrival across all queues. */
  readonly sequence = ++lastSequence
  readonly promise: Promise<Lease<C>>
  readonly #deadlines: Deadlines
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined
  #resolve!: (lease: Lease<C>) => void
  #reject!: (error: Error) => void

  constructor(
    deadlines: Deadlines,
    readonly target: Target,
    readonly owner: LeaseOwner,
    readonly enqueuedAt: number,
    readonly timeoutMs: number,
    signal: AbortSignal | undefined,
  ) {
    super()
    this.#deadlines = deadlines
    this.#signal = signal
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    deadlines.add(this, timeoutMs, enqueuedAt)
    if (signal === undefined) return
    this.#onAbort = () =>
      this.fail(
        'aborted',
        withCallersStack(() => new AcquireAbortedError(signal.reason), owner.stack),
      )
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  onExpired(): void {
    const { place } = this
    if (place === undefined) return
    this.fail(
      'timeout',
      withCallersStack(() => place.timeoutError(this), this.owner.stack),
    )
  }

  serve(lease: Lease<C>): void {
    this.#leave()
    this.#resolve(lease)
  }

  fail(reason: AcquireFailedEvent['reason'], error: Error): void {
    const { place } = this
    this.#leave()
    place?.waiterFailed(this, reason, error)
    this.#reject(error)
  }

  #leave(): void {
    this.list?.remove(this)
    this.#deadlines.remove(this)
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** Waiters in the order in which they came. */
export class WaitQueue<C extends object> {
  readonly #place: WaitPlace<C>
  readonly #list = new LinkedList<Waiter<C>>()

  constructor(place: WaitPlace<C>) {
    this.#place = place
  }

  get size(): number {
    return this.#list.size
  }

  push(waiter: Waiter<C>): void {
    waiter.place = this.#place
    this.#list.push(waiter)
  }

  shift(): Waiter<C> | undefined {
    return this.#list.shift()
  }

  /** Takes out the waiters that `leaves` chooses, in order; they keep their deadlines and stand nowhere until pushed again. */
  extract(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    const taken: Waiter<C>[] = []
    for (const waiter of this.#list) {
      if (leaves(waiter)) {
        this.#list.remove(waiter)
        taken.push(waiter)
      }
    }
    return taken
  }

  failAll(reason: AcquireFailedEvent['reason'], errorFor: () => Error): void {
    for (const waiter of this.#list) waiter.fail(reason, errorFor())
  }
}
