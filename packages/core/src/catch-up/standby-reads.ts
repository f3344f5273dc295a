import type { Cluster } from '../cluster/cluster.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Router } from '../cluster/router.js'
import { takeTurn } from '../cluster/selection.js'
import type { Driver, Order, Place } from '../driver/contract.js'
import { AcquireAbortedError, AcquireTimeoutError, UnsupportedError } from '../errors.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Clock } from '../time/clock.js'
import type { Deadlines } from '../time/deadlines.js'
import type { Target } from '../vocabulary/target.js'
import { CatchUp } from './catch-up.js'
import type { WriteToken } from './write-token.js'

export interface ReadContext<C extends object> {
  readonly name: string
  readonly driver: Driver<C>
  readonly clock: Clock
  readonly deadlines: Deadlines
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
  readonly #catchUpWaitMs: number
  readonly #context: ReadContext<C>
  readonly #catchUp: CatchUp<C>

  constructor(catchUpWaitMs: number, context: ReadContext<C>) {
    this.#catchUpWaitMs = catchUpWaitMs
    this.#context = context
    this.#catchUp = new CatchUp(context.driver, context.clock, context.deadlines)
  }

  acquire(
    options: AcquireOptions,
    target: Target,
    tokens: readonly WriteToken[],
    below: FunctionReference,
  ): Promise<Lease<C>> {
    const { acquireTimeoutMs, clock, driver, router } = this.#context
    if (tokens.length === 0) return router.acquire(options, target, below)
    if (!this.#catchUp.supported) {
      if (target !== 'standby') return router.acquire(options, 'primary', below)
      return Promise.reject(
        new UnsupportedError(`the ${driver.name} driver cannot tell how far a standby is`),
      )
    }
    const startedAt = clock.now()
    const until = startedAt + (options.timeoutMs ?? acquireTimeoutMs)
    const read = { target, tokens, signal: options.signal, startedAt, until }
    return this.#acquire(options, read, below)
  }

  async #acquire(options: AcquireOptions, read: Read, below: FunctionReference): Promise<Lease<C>> {
    const { clock, cluster, router } = this.#context
    const { signal, target, until } = read
    const insisting = target === 'standby'
    const rest = (): AcquireOptions => ({ ...options, timeoutMs: Math.max(0, until - clock.now()) })
    const needed = (): readonly Place[] | undefined => this.#needed(read)
    for (let from = below; ; from = this.#acquire as FunctionReference) {
      const reader = this.#readerFor(needed())
      if (reader === undefined && !insisting) return router.acquire(rest(), 'primary', from)
      if (reader !== undefined) takeTurn(reader)
      const lease = await (reader?.pool.acquire(rest(), target, from) ??
        router.acquire(rest(), target, from))
      // Waiters move with the roles: it may have come from the writer after all.
      if (lease.endpoint === cluster.writer?.endpoint) return lease
      const waitUntil = Math.min(until, clock.now() + this.#catchUpWaitMs)
      const seen = await this.#waitFor(lease, needed, waitUntil, signal)
      if (seen === true) return lease
      if (lease.active) lease.release()
      if (signal?.aborted === true || clock.now() >= until) throw this.#failed(read, lease, seen)
      if (!insisting) return router.acquire(rest(), 'primary', from)
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
    const { writer } = this.#context.cluster
    if (tokens.every((token) => this.#isComparable(token))) return tokens
    const { result } = writer ?? {}
    const known = target === 'standby' && result?.role === 'primary'
    return known && result.position !== undefined ? [result] : undefined
  }

  /** Whether a token is of the history that the writer goes on with. */
  #isComparable({ cluster, history }: WriteToken): boolean {
    const { lineage } = this.#context.cluster
    if (cluster !== lineage.cluster) return false
    if (history === lineage.history) return true
    if (history === undefined || lineage.history === undefined) return false
    const order = this.#context.driver.replication?.order(history, lineage.history)
    return order !== undefined && COMPARABLE.has(order)
  }

  /** The standby to ask. Of those that were too far behind when last probed, nothing is to be hoped for in time. */
  #readerFor(needed: readonly Place[] | undefined): ManagedEndpoint<C> | undefined {
    const { cluster, router } = this.#context
    if (needed === undefined || router.suspended) return undefined
    const follows = ({ result }: ManagedEndpoint<C>): boolean =>
      result !== undefined && !this.#catchUp.isElsewhere(result, needed)
    return (
      cluster.reader(({ result }) => result !== undefined && this.#catchUp.has(result, needed)) ??
      cluster.reader((each) => follows(each) && (each.lagMs ?? 0) <= this.#catchUpWaitMs)
    )
  }

  #failed(read: Read, { endpoint }: Lease<C>, seen: Place | undefined): Error {
    const { clock, name, router } = this.#context
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
