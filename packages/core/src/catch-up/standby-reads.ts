import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Router } from '../cluster/router.js'
import { takeTurn } from '../cluster/selection.js'
import type { Driver } from '../driver/contract.js'
import type { Order, Place } from '../driver/replication.js'
import { AcquireAbortedError, AcquireTimeoutError, UnsupportedError } from '../errors.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { AcquireRequest, Lent } from '../pool/acquire-request.js'
import type { Lease } from '../pool/lease.js'
import type { Runtime } from '../runtime.js'
import type { Target } from '../vocabulary/target.js'
import { CatchUp } from './catch-up.js'
import type { WriteToken } from './write-token.js'

/** Where reads go, and where they may go after a write. */
export interface ReadRoutes<C extends object> {
  readonly driver: Driver<C>
  readonly cluster: Cluster<C>
  readonly router: Router<C>
  readonly acquireTimeoutMs: number
}

/** Between these no write is lost by a failover, as far as the driver can tell. */
const COMPARABLE: ReadonlySet<Order> = new Set(['same', 'equal', 'ahead', 'behind'])

/** A read under way: when it began, and what it asks for. */
interface Read {
  readonly target: Target
  readonly tokens: readonly WriteToken[]
  readonly signal: AbortSignal | undefined
  readonly startedAt: number
  /** Its deadline on the clock. */
  readonly until: number
}

/**
 * Lends connections to standbys that have applied what is to be read, and to the writer if none does in time. A token whose
 * writes may have been lost in a failover leads to the writer.
 */
export class StandbyReads<C extends object> {
  readonly #runtime: Runtime
  readonly #catchUpWaitMs: number
  readonly #routes: ReadRoutes<C>
  readonly #catchUp: CatchUp<C>

  constructor(runtime: Runtime, catchUpWaitMs: number, routes: ReadRoutes<C>) {
    this.#runtime = runtime
    this.#catchUpWaitMs = catchUpWaitMs
    this.#routes = routes
    this.#catchUp = new CatchUp(runtime, routes.driver)
  }

  acquire(request: AcquireRequest, tokens: readonly WriteToken[]): Lent<C> {
    const { target } = request
    const { driver, router } = this.#routes
    const { clock } = this.#runtime
    if (tokens.length === 0) return router.acquire(request)
    if (!this.#catchUp.supported) {
      if (target !== 'standby') return router.acquire(request.to('primary'))
      return Promise.reject(
        new UnsupportedError(`the ${driver.name} driver cannot tell how far a standby is`),
      )
    }
    const startedAt = clock.now()
    const until = startedAt + request.timeoutMs
    const read = { target, tokens, signal: request.signal, startedAt, until }
    return this.#acquire(request, read)
  }

  async #acquire(request: AcquireRequest, read: Read): Promise<Lease<C>> {
    const { cluster, router } = this.#routes
    const { clock } = this.#runtime
    const { signal, target, until } = read
    const insisting = target === 'standby'
    const needed = (): readonly Place[] | undefined => this.#needed(read)
    for (let from = request.below; ; from = this.#acquire as FunctionReference) {
      const rest = (): AcquireRequest => request.until(until, clock.now(), from)
      const reader = this.#readerFor(needed())
      if (reader === undefined && !insisting) return router.acquire(rest().to('primary'))
      if (reader !== undefined) takeTurn(reader)
      const lease = await (reader?.pool ?? router).acquire(rest())
      // Waiters move with the roles: it may have come from the writer after all.
      if (lease.endpoint === cluster.writer?.endpoint) return lease
      const waitUntil = Math.min(until, clock.now() + this.#catchUpWaitMs)
      const seen = await this.#waitFor(lease, needed, waitUntil, signal)
      if (seen === true) return lease
      if (lease.active) lease.release()
      if (signal?.aborted === true || clock.now() >= until) throw this.#failed(read, lease, seen)
      if (!insisting) return router.acquire(rest().to('primary'))
      // Another standby may be further by now.
      await this.#catchUp.pause(until)
    }
  }

  /** True once the server has what is needed; otherwise how far it was at last, if it said so. */
  async #waitFor(
    lease: Lease<C>,
    needed: () => readonly Place[] | undefined,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<true | Place | undefined> {
    try {
      if (await this.#catchUp.reaches(lease.entry.connection, needed, until, signal)) return true
      return this.#catchUp.seen(lease.entry.connection)
    } catch (error) {
      // `connectionClosed` tells of it; there are other connections to read on. It may be gone already.
      if (lease.active) lease.destroy(error)
      return undefined
    }
  }

  /**
   * The places that a standby must have reached; undefined if they cannot be compared. Who insists on a standby is content
   * with what the present writer had when last probed: what has survived of other histories lies before it.
   */
  #needed({ target, tokens }: Read): readonly Place[] | undefined {
    const { writer } = this.#routes.cluster
    if (tokens.every((token) => this.#isComparable(token))) return tokens
    const { result } = writer ?? {}
    const known = target === 'standby' && result?.role === 'primary'
    return known && result.position !== undefined ? [result] : undefined
  }

  /** Whether a token is of the history that the writer goes on with. */
  #isComparable({ cluster, history }: WriteToken): boolean {
    const { lineage } = this.#routes.cluster
    if (cluster !== lineage.cluster) return false
    if (history === lineage.history) return true
    if (history === undefined || lineage.history === undefined) return false
    const order = this.#routes.driver.replication?.order(history, lineage.history)
    return order !== undefined && COMPARABLE.has(order)
  }

  /** The standby to ask. Of those that were too far behind when last probed, nothing is to be hoped for in time. */
  #readerFor(needed: readonly Place[] | undefined): ManagedEndpoint<C> | undefined {
    const { cluster, router } = this.#routes
    if (needed === undefined || router.suspended) return undefined
    const follows = ({ result }: ManagedEndpoint<C>): boolean =>
      result !== undefined && !this.#catchUp.isElsewhere(result, needed)
    return (
      cluster.reader(({ result }) => result !== undefined && this.#catchUp.has(result, needed)) ??
      cluster.reader((each) => follows(each) && (each.lagMs ?? 0) <= this.#catchUpWaitMs)
    )
  }

  #failed(read: Read, { endpoint }: Lease<C>, seen: Place | undefined): Error {
    const { router } = this.#routes
    const { clock, name } = this.#runtime
    const { signal, startedAt } = read
    const waitedMs = clock.now() - startedAt
    const aborted = signal?.aborted === true
    const needed = this.#needed(read)
    const how =
      seen === undefined || needed === undefined
        ? 'did not say how far it is'
        : this.#catchUp.isElsewhere(seen, needed)
          ? `is still in the history before (${seen.history})`
          : `is at ${seen.position}, before ${needed.map(({ position }) => position).join(', ')}`
    const error = aborted
      ? new AcquireAbortedError(signal.reason)
      : new AcquireTimeoutError({
          message:
            `pool "${name}": no standby has what is to be read within ` +
            `${Math.round(waitedMs)} ms: ${endpoint.id} ${how}`,
          phase: 'catch-up',
          waitedMs,
        })
    router.noteFailure(aborted ? 'aborted' : 'timeout', error, startedAt, endpoint.id)
    return error
  }
}
