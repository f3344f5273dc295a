import {
  AcquireAbortedError,
  AcquireTimeoutError,
  ConnectFailedError,
  PoolClosedError,
  QueueFullError,
} from '../errors.js'
import { type ErrorSummary, summarize } from '../events/event-parts.js'
import type { AcquireFailedEvent } from '../events/pool-events.js'
import type { AcquireRequest, Lent } from '../pool/acquire-request.js'
import type { Lease } from '../pool/lease.js'
import { waitingChanged } from '../pool/pool-measures.js'
import { type Waiter, type WaitPlace, WaitQueue } from '../pool/waiter.js'
import type { Runtime } from '../runtime.js'
import type { Target } from '../vocabulary/target.js'
import type { Cluster } from './cluster.js'
import type { ManagedEndpoint } from './managed-endpoint.js'
import { takeTurn } from './selection.js'

/**
 * Sends each acquire to the pool of the right endpoint. Callers for whom there is no endpoint at the moment are parked
 * here, in order, and sent on when there is one.
 */
export class Router<C extends object> implements WaitPlace<C> {
  readonly #runtime: Runtime
  readonly #endpoints: readonly ManagedEndpoint<C>[]
  readonly #cluster: Cluster<C>
  readonly #maxWaiters: number
  readonly #parked = new WaitQueue<C>(this)
  #suspended = false
  #held = false
  #closed = false
  #failed = 0

  constructor(
    runtime: Runtime,
    endpoints: readonly ManagedEndpoint<C>[],
    cluster: Cluster<C>,
    maxWaiters: number,
  ) {
    this.#runtime = runtime
    this.#endpoints = endpoints
    this.#cluster = cluster
    this.#maxWaiters = maxWaiters
  }

  /** Callers parked here. */
  get waiting(): number {
    return this.#parked.size
  }

  /** Acquires that failed while parked. */
  get failed(): number {
    return this.#failed
  }

  get suspended(): boolean {
    return this.#suspended
  }

  acquire(request: AcquireRequest): Lent<C> {
    const { target } = request
    if (!this.#isShut()) {
      const endpoint = this.#cluster.pick(target)
      if (endpoint !== undefined) {
        if (target !== 'primary') takeTurn(endpoint)
        return endpoint.pool.acquire(request)
      }
    }
    return this.#park(request)
  }

  /** Moves every waiter whose endpoint no longer serves it, in the order in which they came. */
  reroute(): void {
    const moving = this.#unpark()
    for (const endpoint of this.#endpoints) {
      moving.push(
        ...endpoint.pool.queue.extract(
          (waiter) => this.#isShut() || !this.#cluster.serves(endpoint, waiter.target),
        ),
      )
    }
    moving.sort((a, b) => a.sequence - b.sequence)
    for (const waiter of moving) {
      const endpoint = this.#isShut() ? undefined : this.#cluster.pick(waiter.target)
      if (endpoint === undefined) this.#stand(waiter)
      else {
        takeTurn(endpoint)
        endpoint.pool.queue.enqueue(waiter)
      }
    }
    this.#giveUpIfRefused()
  }

  /** Takes over the waiters of an endpoint that is no more. */
  adopt(waiters: readonly Waiter<C>[]): void {
    for (const waiter of waiters) this.#stand(waiter)
    this.reroute()
  }

  /** Fails the callers that wait for `timeoutMs`, here and in the pools. */
  giveUp(timeoutMs: number, errorFor: () => Error): void {
    this.#parked.giveUp(timeoutMs, errorFor)
    for (const { pool } of this.#endpoints) pool.queue.giveUp(timeoutMs, errorFor)
  }

  suspend(): void {
    this.#suspended = true
    this.reroute()
  }

  resume(): void {
    this.#suspended = false
    this.reroute()
  }

  /** Parks all callers until every server has been probed, so that the writer is known. */
  hold(on: boolean): void {
    if (this.#held === on) return
    this.#held = on
    this.reroute()
  }

  #isShut(): boolean {
    return this.#suspended || this.#held
  }

  /** Rejects a caller who comes after the end has begun. */
  refuse(): Promise<never> {
    const error = new PoolClosedError(this.#runtime.name)
    this.noteFailure('closed', error, this.#runtime.clock.now(), undefined)
    return Promise.reject(error)
  }

  /** Takes no more callers. @param waitedMs for how long those were waited for who are left */
  close(waitedMs: number): void {
    this.#closed = true
    this.#parked.failAll('closed', () => new PoolClosedError(this.#runtime.name, waitedMs))
  }

  timeoutError(waiter: Waiter<C>): Error {
    const waitedMs = this.#runtime.clock.now() - waiter.enqueuedAt
    const states = this.#endpoints
      .map(
        (each) =>
          `${each.id} is ${each.state}${each.lastError ? ` (${each.lastError.message})` : ` (${each.roleInWords})`}`,
      )
      .join('; ')
    const why = this.#suspended
      ? 'the manager is suspended'
      : `no endpoint for target '${waiter.target}'${this.#whyNoneWrites(waiter.target)}`
    return new AcquireTimeoutError({
      message: `pool "${this.#runtime.name}": ${why} within ${Math.round(waitedMs)} ms: ${states}`,
      phase: 'no-endpoint',
      waitedMs,
      cause: causeOf(this.#endpoints.find((each) => each.lastError !== undefined)?.lastError),
    })
  }

  /** Says so where servers answer, and none of them takes writes. */
  #whyNoneWrites(target: Target): string {
    if (target !== 'primary' || this.#cluster.writer !== undefined) return ''
    const up = this.#endpoints.filter((each) => each.state === 'UP')
    const readOnly = up.filter((each) => each.isReadOnlyPrimary)
    if (readOnly.length > 0) {
      const ids = readOnly.map((each) => each.id).join(', ')
      return `, as the primary ${ids} is read-only: it refuses writes (default_transaction_read_only); reads go on by manager.replica or target 'prefer-standby',`
    }
    return !up.some((each) => each.role === 'standby')
      ? ''
      : ", as only standbys answer, which are read-only; reads go on by manager.replica or target 'prefer-standby',"
  }

  waiterFailed(waiter: Waiter<C>, reason: AcquireFailedEvent['reason'], error: Error): void {
    waitingChanged(this.#runtime, -1, this.#runtime.clock.now())
    this.noteFailure(reason, error, waiter.enqueuedAt, undefined)
  }

  /** An acquire that began at `since` has failed while it was in no pool's hands. */
  noteFailure(
    reason: AcquireFailedEvent['reason'],
    error: Error,
    since: number,
    endpoint: string | undefined,
  ): void {
    this.#failed += 1
    this.#runtime.events.emit({
      type: 'acquireFailed',
      pool: this.#runtime.name,
      endpoint,
      reason,
      durationMs: this.#runtime.clock.now() - since,
      error: summarize(error),
    })
  }

  #stand(waiter: Waiter<C>): void {
    this.#parked.push(waiter)
    waitingChanged(this.#runtime, 1, this.#runtime.clock.now())
  }

  #unpark(): Waiter<C>[] {
    const waiters = this.#parked.extract(() => true)
    if (waiters.length > 0)
      waitingChanged(this.#runtime, -waiters.length, this.#runtime.clock.now())
    return waiters
  }

  #park(request: AcquireRequest): Promise<Lease<C>> {
    // The pool that would be asked first makes the waiter, so that it is identified and timed as everywhere.
    const home = (this.#endpoints[0] as ManagedEndpoint<C>).pool
    const waiter = home.queue.createWaiter(request)
    const full = this.#parked.size >= this.#maxWaiters
    // Stands in the queue even if only to be refused, so that the failure is reported from here.
    this.#stand(waiter)
    if (this.#closed) waiter.fail('closed', new PoolClosedError(this.#runtime.name))
    else if (request.signal?.aborted === true) {
      waiter.fail('aborted', new AcquireAbortedError(request.signal.reason))
    } else if (full) {
      waiter.fail(
        'queue-full',
        new QueueFullError(this.#runtime.name, this.#maxWaiters, home.counts),
      )
    } else this.#giveUpIfRefused()
    return waiter.promise
  }

  #giveUpIfRefused(): void {
    if (this.#parked.size === 0 || !this.#cluster.refusedForGood) return
    const [first] = this.#endpoints as [ManagedEndpoint<C>]
    const cause = causeOf(first.lastError) ?? new Error('it needs a person')
    this.#parked.failAll('connect-failed', () => new ConnectFailedError(first.id, cause))
  }
}

/** What an endpoint has said, as an error again. */
function causeOf(said: ErrorSummary | undefined): Error | undefined {
  if (said === undefined) return undefined
  const { code, message } = said
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}
