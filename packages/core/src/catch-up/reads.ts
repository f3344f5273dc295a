import { UnsupportedError } from '../errors.js'
import { Scope } from '../flow/scope.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Target } from '../vocabulary/target.js'
import { ReadSession } from './session.js'
import { type ReadContext, StandbyReads } from './standby-reads.js'
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

/** What {@link ConnectionManager.withSession} may be told. Times are in milliseconds. */
export interface SessionOptions {
  /** What the session's reads must come after from the start: a token of an earlier request, for example. */
  readonly after?: WriteToken | string | undefined
  /** Overrides the manager's. `@default` the manager's `stickyReadsMs` */
  readonly stickyReadsMs?: number
}

/** Reads that must see what was written before, by token or by session. */
export class Reads<C extends object> {
  readonly #options: ReadOptions
  readonly #context: ReadContext<C>
  readonly #standbys: StandbyReads<C>
  readonly #sessions = new Scope<ReadSession<C>>()

  constructor(options: ReadOptions, context: ReadContext<C>) {
    this.#options = options
    this.#context = context
    this.#standbys = new StandbyReads(options.catchUpWaitMs, context)
  }

  /** The session of the running flow. */
  get session(): ReadSession<C> | undefined {
    return this.#sessions.current
  }

  /** Whether an acquire has to come here. On the hot path. */
  concern(options: ReadAcquireOptions): boolean {
    return options.after !== undefined || this.#sessions.current !== undefined
  }

  /** How far the writer is now. */
  async token(options: AcquireOptions, below: FunctionReference): Promise<WriteToken> {
    const { driver, router } = this.#context
    const { replication } = driver
    if (replication === undefined) {
      throw new UnsupportedError(
        `the ${driver.name} driver cannot tell how far a server has written`,
      )
    }
    const lease = await router.acquire({ label: 'write token', ...options }, 'primary', below)
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
        this.#context.clock,
        options.stickyReadsMs ?? this.#options.stickyReadsMs,
      )
    if (after !== undefined) session.follow(after)
    if (outer !== undefined) return work(outer)
    return this.#sessions.run(session, () => work(session))
  }

  acquire(
    options: ReadAcquireOptions,
    target: Target,
    below: FunctionReference,
  ): Promise<Lease<C>> {
    const { cluster, router } = this.#context
    const { session } = this
    let after: readonly WriteToken[]
    try {
      after = options.after === undefined ? [] : [tokenOf(options.after)]
    } catch (error) {
      return Promise.reject(error)
    }
    if (target === 'primary' || (target === 'any' && cluster.writer !== undefined)) {
      const lending = router.acquire(options, 'primary', below)
      const writes = session !== undefined && target === 'primary' && !isReadOnly(options)
      return writes ? lending.then((lease) => session.touch(lease)) : lending
    }
    if (session?.unasked !== true)
      return this.#standbys.acquire(options, target, [...after, ...(session?.known ?? [])], below)
    if (target === 'standby') return this.#ask(session, options, target, after)
    return session.sticky || cluster.writer === undefined
      ? router.acquire(options, 'primary', below)
      : this.#ask(session, options, target, after)
  }

  /** Finds out what the session has written, and reads after that. */
  async #ask(
    session: ReadSession<C>,
    options: AcquireOptions,
    target: Target,
    after: readonly WriteToken[],
  ): Promise<Lease<C>> {
    const { acquireTimeoutMs, clock, router } = this.#context
    const until = clock.now() + (options.timeoutMs ?? acquireTimeoutMs)
    const rest = (): AcquireOptions => ({ ...options, timeoutMs: Math.max(0, until - clock.now()) })
    const from = this.#ask as FunctionReference
    try {
      const { signal, timeoutMs = 0 } = rest()
      await session.writeToken({
        ...(signal === undefined ? {} : { signal }),
        timeoutMs:
          target === 'standby' ? timeoutMs : Math.min(timeoutMs, this.#options.catchUpWaitMs),
      })
    } catch (error) {
      if (target === 'standby') throw error
      // Where the read goes now is where the error comes from: if that is still in trouble, it says so itself.
      return router.acquire(rest(), 'primary', from)
    }
    return this.#standbys.acquire(rest(), target, [...after, ...session.known], from)
  }
}

/** A transaction that says so cannot have written anything. */
function isReadOnly(options: object): boolean {
  return (options as { readOnly?: unknown }).readOnly === true
}
