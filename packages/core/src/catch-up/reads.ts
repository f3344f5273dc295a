import { UnsupportedError } from '../errors.js'
import { Scope } from '../flow/scope.js'
import type { FunctionReference } from '../leaks/stack.js'
import { AcquireRequest, type Lent } from '../pool/acquire-request.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Runtime } from '../runtime.js'
import { ReadSession } from './session.js'
import { type ReadRoutes, StandbyReads } from './standby-reads.js'
import { tokenOf, WriteToken } from './write-token.js'

export interface ReadOptions {
  /** How long a read that prefers a standby waits for one to catch up. */
  readonly catchUpWaitMs: number
  /** For how long after a write the reads of a session go to the writer rather than wait for a standby. */
  readonly stickyReadsMs: number
}

/** What a read may ask of one acquire. */
export interface ReadAcquireOptions extends AcquireOptions {
  /**
   * Lends a connection on which everything before this token can be read: of a standby that has it, or with
   * the targets `prefer-standby` and `any` after `catchUpWaitMs` at the latest, of the writer. A token from before a
   * failover leads to the writer. Target `standby` waits until the deadline of the acquire.
   */
  readonly after?: WriteToken | string | undefined
}

/** Options of {@link ConnectionManager.withSession}. Times are in milliseconds. */
export interface SessionOptions {
  /** What the session's reads must come after from the start: a token of an earlier request, for example. */
  readonly after?: WriteToken | string | undefined
  /** Overrides the manager's. `@default` the manager's `stickyReadsMs` */
  readonly stickyReadsMs?: number
}

/** Reads that must see what was written before, by token or by session. */
export class Reads<C extends object> {
  readonly #runtime: Runtime
  readonly #options: ReadOptions
  readonly #routes: ReadRoutes<C>
  readonly #sessions = new Scope<ReadSession<C>>()
  #standbys: StandbyReads<C> | undefined

  constructor(runtime: Runtime, options: ReadOptions, routes: ReadRoutes<C>) {
    this.#runtime = runtime
    this.#options = options
    this.#routes = routes
  }

  /** The session of the running flow. */
  get session(): ReadSession<C> | undefined {
    return this.#sessions.current
  }

  /** Whether an acquire has to come here. On the hot path. */
  concern({ options }: AcquireRequest<ReadAcquireOptions>): boolean {
    return options.after !== undefined || this.#sessions.current !== undefined
  }

  /** How far the writer is now. */
  async token(options: AcquireOptions, below: FunctionReference): Promise<WriteToken> {
    const { acquireTimeoutMs, driver, router } = this.#routes
    const { replication } = driver
    if (replication === undefined) {
      throw new UnsupportedError(
        `the ${driver.name} driver cannot tell how far a server has written`,
      )
    }
    const wanted = { label: 'write token', ...options }
    const { timeoutMs = acquireTimeoutMs } = options
    const lease = await router.acquire(new AcquireRequest(wanted, 'primary', below, timeoutMs))
    try {
      return new WriteToken(await replication.writePlace(lease.entry.connection))
    } finally {
      if (lease.active) lease.release()
    }
  }

  /** Runs `work` as a session; within another one, as part of it. */
  runSession<T>(work: (session: ReadSession<C>) => T, options: SessionOptions): T {
    const after = options.after === undefined ? undefined : tokenOf(options.after)
    const outer = this.session
    const session =
      outer ??
      new ReadSession<C>(
        (asking) => this.token(asking, this.token),
        this.#runtime.clock,
        options.stickyReadsMs ?? this.#options.stickyReadsMs,
      )
    if (after !== undefined) session.follow(after)
    if (outer !== undefined) return work(outer)
    return this.#sessions.run(session, () => work(session))
  }

  acquire(request: AcquireRequest<ReadAcquireOptions>): Lent<C> {
    const { options, target } = request
    const { cluster, router } = this.#routes
    const { session } = this
    let after: readonly WriteToken[]
    try {
      after = options.after === undefined ? [] : [tokenOf(options.after)]
    } catch (error) {
      return Promise.reject(error)
    }
    if (target === 'primary' || (target === 'any' && cluster.writer !== undefined)) {
      const lending = router.acquire(request.to('primary'))
      const writes = session !== undefined && target === 'primary' && !isReadOnly(options)
      return writes ? Promise.resolve(lending).then((lease) => session.touch(lease)) : lending
    }
    if (session?.unasked !== true)
      return this.#ofStandbys().acquire(request, [...after, ...(session?.known ?? [])])
    if (target === 'standby') return this.#ask(session, request, after)
    return session.sticky || cluster.writer === undefined
      ? router.acquire(request.to('primary'))
      : this.#ask(session, request, after)
  }

  /** Made at the first such read. */
  #ofStandbys(): StandbyReads<C> {
    const { catchUpWaitMs } = this.#options
    this.#standbys ??= new StandbyReads(this.#runtime, catchUpWaitMs, this.#routes)
    return this.#standbys
  }

  /** Finds out what the session has written, and reads after that. */
  async #ask(
    session: ReadSession<C>,
    request: AcquireRequest,
    after: readonly WriteToken[],
  ): Promise<Lease<C>> {
    const { router } = this.#routes
    const { clock } = this.#runtime
    const { target } = request
    const until = clock.now() + request.timeoutMs
    const rest = (): AcquireRequest =>
      request.until(until, clock.now(), this.#ask as FunctionReference)
    try {
      const { signal, timeoutMs } = rest()
      await session.writeToken({
        ...(signal === undefined ? {} : { signal }),
        timeoutMs:
          target === 'standby' ? timeoutMs : Math.min(timeoutMs, this.#options.catchUpWaitMs),
      })
    } catch (error) {
      if (target === 'standby') throw error
      // Where the read goes now is where the error comes from: if that is still in trouble, it says so itself.
      return router.acquire(rest().to('primary'))
    }
    return this.#ofStandbys().acquire(rest(), [...after, ...session.known])
  }
}

/** A transaction that says so cannot have written anything. */
function isReadOnly(options: object): boolean {
  return (options as { readOnly?: unknown }).readOnly === true
}
