import type { FailoverController } from '../cluster/failover-controller.js'
import type { ManagedEndpoint } from '../cluster/managed-endpoint.js'
import type { Router } from '../cluster/router.js'
import { takeTurn } from '../cluster/selection.js'
import type { Target } from '../cluster/states.js'
import type { Driver, ReplayPosition } from '../driver/contract.js'
import { AcquireAbortedError, AcquireTimeoutError, UnsupportedError } from '../errors.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Clock } from '../time/clock.js'
import type { Deadlines } from '../time/deadlines.js'
import { CatchUp, isElsewhere } from './catch-up.js'
import type { WriteToken } from './write-token.js'

export interface ReadContext<C extends object> {
  readonly name: string
  readonly driver: Driver<C>
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly controller: FailoverController<C>
  readonly router: Router<C>
  readonly acquireTimeoutMs: number
}

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
 * Lends connections to standbys that have replayed what is to be read, and to the writer if none does in time.
 * Positions compare within one history only, so a token from before a failover leads to the writer.
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
        new UnsupportedError(
          `the ${driver.name} driver cannot tell how far a standby has replayed`,
        ),
      )
    }
    const startedAt = clock.now()
    const until = startedAt + (options.timeoutMs ?? acquireTimeoutMs)
    const read = { target, tokens, signal: options.signal, startedAt, until }
    return this.#acquire(options, read, below)
  }

  async #acquire(options: AcquireOptions, read: Read, below: FunctionReference): Promise<Lease<C>> {
    const { clock, controller, router } = this.#context
    const { signal, target, until } = read
    const insisting = target === 'standby'
    const rest = (): AcquireOptions => ({ ...options, timeoutMs: Math.max(0, until - clock.now()) })
    const needed = (): ReplayPosition | undefined => this.#needed(read)
    for (let from = below; ; from = this.#acquire as FunctionReference) {
      const reader = this.#readerFor(needed())
      if (reader === undefined && !insisting) return router.acquire(rest(), 'primary', from)
      if (reader !== undefined) takeTurn(reader)
      const lease = await (reader?.pool.acquire(rest(), target, from) ??
        router.acquire(rest(), target, from))
      // Waiters move with the roles: it may have come from the writer after all.
      if (lease.endpoint === controller.writer?.endpoint) return lease
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
    needed: () => ReplayPosition | undefined,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<true | ReplayPosition | undefined> {
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
   * The position that a standby must have reached; undefined if positions do not compare. Whoever insists on a standby
   * is content with what the present writer had when last probed: what has survived of other histories lies before it.
   */
  #needed({ target, tokens }: Read): ReplayPosition | undefined {
    const { lineage, writer } = this.#context.controller
    const comparable = tokens.every(
      ({ systemId, timeline }) => systemId === lineage.systemId && timeline === lineage.timeline,
    )
    if (comparable) {
      let position = 0n
      for (const token of tokens) if (token.position > position) position = token.position
      return { timeline: lineage.timeline, position }
    }
    const { position, role, timeline } = writer?.result ?? {}
    const known = target === 'standby' && role === 'primary' && position !== undefined
    return known ? { timeline, position } : undefined
  }

  /** The standby to ask. Of those that were too far behind when last probed, nothing is to be hoped for in time. */
  #readerFor(needed: ReplayPosition | undefined): ManagedEndpoint<C> | undefined {
    const { controller, router } = this.#context
    if (needed === undefined || router.suspended) return undefined
    const follows = ({ result }: ManagedEndpoint<C>): boolean =>
      result !== undefined && !isElsewhere(result, needed)
    return (
      controller.reader(
        (each) => follows(each) && (each.result?.position ?? -1n) >= needed.position,
      ) ?? controller.reader((each) => follows(each) && (each.lagMs ?? 0) <= this.#catchUpWaitMs)
    )
  }

  #failed(read: Read, { endpoint }: Lease<C>, seen: ReplayPosition | undefined): Error {
    const { clock, name, router } = this.#context
    const { signal, startedAt } = read
    const waitedMs = clock.now() - startedAt
    const aborted = signal?.aborted === true
    const needed = this.#needed(read)
    const how =
      seen === undefined || needed === undefined
        ? 'did not say how far it is'
        : isElsewhere(seen, needed)
          ? `is not known to follow timeline ${needed.timeline} yet`
          : `is ${needed.position - seen.position} bytes of the log behind`
    const error = aborted
      ? new AcquireAbortedError(signal.reason)
      : new AcquireTimeoutError({
          message:
            `pool "${name}": no standby has replayed what is to be read within ` +
            `${Math.round(waitedMs)} ms: ${endpoint.id} ${how}`,
          phase: 'catch-up',
          waitedMs,
        })
    router.noteFailure(aborted ? 'aborted' : 'timeout', error, startedAt, endpoint.id)
    return error
  }
}
