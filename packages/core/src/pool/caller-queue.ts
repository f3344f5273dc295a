import { AcquireAbortedError, PoolClosedError, QueueFullError } from '../errors.js'
import type { AcquireFailedEvent } from '../events/pool-events.js'
import { leaseAround } from '../leaks/nesting.js'
import type { Runtime } from '../runtime.js'
import type { PoolCounts } from '../vocabulary/counts.js'
import type { AcquireRequest } from './acquire-request.js'
import type { ConnectPace } from './connect-pace.js'
import type { BudgetReport } from './connection-budget.js'
import type { PoolQueue } from './connection-pool.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { LeaseMisuse } from './lease-misuse.js'
import type { Leases } from './leases.js'
import type { NextSteps } from './next-steps.js'
import type { Sizing } from './sizing.js'
import { acquireTimeoutError } from './timeout-error.js'
import { type LeaseOwner, Waiter, type WaitPlace, WaitQueue } from './waiter.js'

export interface CallerQueueParts<C extends object> {
  readonly pace: ConnectPace<C>
  readonly drain: Drain
  readonly leases: Leases<C>
  readonly misuse: LeaseMisuse<C>
  readonly sizing: Sizing<C>
}

/** What the queue needs of its pool for messages. */
export interface CallerQueueHost {
  readonly counts: PoolCounts
  /** Says what the limit shared with other managers is spent on, if that is what the callers wait for. */
  readonly budget: { readonly usedUp: BudgetReport | undefined }
}

/** The callers of one pool: identifies those who come, refuses those it cannot take, and keeps the rest in order. */
export class CallerQueue<C extends object> implements PoolQueue<C>, WaitPlace<C> {
  /** While true callers wait, even if connections are idle. A field, as each acquire and release reads it. */
  suspended = false
  readonly #waiters = new WaitQueue<C>(this)
  readonly #context: PoolContext<C>
  readonly #runtime: Runtime
  readonly #pace: ConnectPace<C>
  readonly #drain: Drain
  readonly #leases: Leases<C>
  readonly #misuse: LeaseMisuse<C>
  readonly #sizing: Sizing<C>
  readonly #host: CallerQueueHost & Pick<NextSteps<C>, 'supply' | 'waiterGone'>

  constructor(
    context: PoolContext<C>,
    parts: CallerQueueParts<C>,
    host: CallerQueueHost & Pick<NextSteps<C>, 'supply' | 'waiterGone'>,
  ) {
    this.#context = context
    this.#runtime = context.runtime
    this.#pace = parts.pace
    this.#drain = parts.drain
    this.#leases = parts.leases
    this.#misuse = parts.misuse
    this.#sizing = parts.sizing
    this.#host = host
  }

  get size(): number {
    return this.#waiters.size
  }

  get first(): Waiter<C> | undefined {
    return this.#waiters.first
  }

  /** Whether a connection that becomes free now has a caller. */
  get wantsConnection(): boolean {
    return this.#waiters.size > 0 && !this.suspended
  }

  get isFull(): boolean {
    return this.#waiters.size >= this.#context.options.maxWaiters
  }

  /** Rejects a caller that cannot even be queued; undefined for one that can. */
  refuse({ signal }: AcquireRequest): Promise<never> | undefined {
    if (this.#drain.refusing) return this.#reject('closed', new PoolClosedError(this.#runtime.name))
    if (signal?.aborted === true)
      return this.#reject('aborted', new AcquireAbortedError(signal.reason))
    return undefined
  }

  refuseAsFull(): Promise<never> {
    const { options } = this.#context
    const { name } = this.#runtime
    return this.#reject(
      'queue-full',
      new QueueFullError(name, options.maxWaiters, this.#host.counts),
    )
  }

  identify(request: AcquireRequest, now: number): LeaseOwner {
    const load = this.#leases.size + this.#waiters.size
    return this.#leases.identify(request, load, this.#sizing.limit, now)
  }

  createWaiter(
    request: AcquireRequest,
    now = this.#runtime.clock.now(),
    owner = this.identify(request, now),
  ): Waiter<C> {
    return new Waiter(this.#runtime.deadlines, request, owner, now)
  }

  push(waiter: Waiter<C>): void {
    this.#waiters.push(waiter)
    // It has been made at this moment.
    this.#context.measures.waiting(1, waiter.enqueuedAt)
    if (waiter.owner.holding !== undefined) this.#misuse.nested(waiter.owner)
  }

  enqueue(waiter: Waiter<C>): void {
    this.#waiters.push(waiter)
    this.#context.measures.waiting(1, this.#runtime.clock.now())
    if (this.#drain.over) waiter.fail('closed', new PoolClosedError(this.#runtime.name))
    else this.#host.supply()
  }

  extract(leaves: (waiter: Waiter<C>) => boolean): Waiter<C>[] {
    const taken = this.#waiters.extract(leaves)
    if (taken.length > 0) this.#context.measures.waiting(-taken.length, this.#runtime.clock.now())
    return taken
  }

  giveUp(timeoutMs: number, errorFor: () => Error): void {
    this.#waiters.giveUp(timeoutMs, errorFor)
  }

  /** Takes the first out, to be served now. */
  shift(now: number): Waiter<C> | undefined {
    if (this.#waiters.size > 0) this.#context.measures.waiting(-1, now)
    return this.#waiters.shift()
  }

  failAll(reason: AcquireFailedEvent['reason'], errorFor: () => Error): void {
    this.#waiters.failAll(reason, errorFor)
  }

  timeoutError(waiter: Waiter<C>): Error {
    const { endpoint, options } = this.#context
    const { clock, name } = this.#runtime
    return acquireTimeoutError({
      pool: name,
      endpoint: endpoint.id,
      waitedMs: clock.now() - waiter.enqueuedAt,
      timeoutMs: waiter.request.timeoutMs,
      counts: this.#host.counts,
      exclusive: options.exclusive,
      holders: this.#leases.longestHolders(),
      heldByItself: leaseAround(waiter.owner.holding)?.id,
      lastConnectError: this.#pace.lastError,
      budget: this.#host.budget.usedUp,
    })
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    const now = this.#runtime.clock.now()
    this.#context.measures.waiting(-1, now)
    this.#leases.acquireFailed(reason, error, now - waiter.enqueuedAt)
    this.#host.waiterGone()
  }

  #reject(reason: AcquireFailedEvent['reason'], error: Error): Promise<never> {
    this.#leases.acquireFailed(reason, error, 0)
    return Promise.reject(error)
  }
}
