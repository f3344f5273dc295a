import type { ManagerAcquireOptions } from '../acquiring.js'
import type { Assembly } from '../assembly.js'
import type { SessionOptions } from '../catch-up/reads.js'
import type { ReadSession } from '../catch-up/session.js'
import type { WriteToken } from '../catch-up/write-token.js'
import { CALLS, checkCall, checkWork } from '../config/calls.js'
import type { TransactionOptions } from '../driver/contract.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { ReplayOptions, TransactionReplayOptions, UnitReplayOptions } from '../work/options.js'
import { ManagerOperations } from './operations.js'

/** The work that callers run with connections of a manager: units, transactions, and sessions that read their own writes. */
export abstract class ManagerWork<C extends object> extends ManagerOperations<C> {
  readonly #parts: Assembly<C>

  /** @internal */
  constructor(parts: Assembly<C>) {
    super(parts)
    this.#parts = parts
  }

  /**
   * Lends a connection to `work` and takes it back whatever happens. With `replay: 'safe'` the work is run again when it
   * has failed and nothing that it wrote before is there to stay.
   *
   * When `signal` fires, the statement that runs is cancelled on the server, the connection is closed, and the call
   * rejects, also if the work goes on with something else.
   *
   * @throws AbortedError `CONNMGR_ABORTED`: `signal` fired; what was committed before stays
   * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if that was while a write was in flight
   */
  use<T>(
    work: (connection: C, lease: Lease<C>, attempt: number) => Promise<T> | T,
    options: ManagerAcquireOptions & UnitReplayOptions<NoInfer<T>> = {},
  ): Promise<T> {
    return this.#parts.work.use(work, options, this.use)
  }

  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. With `replay: 'safe'` it is run
   * again, on the server that is the primary then, when it has failed without effect; `attempt` counts from 1.
   *
   * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if the connection was lost while COMMIT was in
   * flight. The transaction is never repeated then, unless it is declared idempotent or `outcome` tells that it was not
   * committed.
   * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if the connection was lost before COMMIT was sent, so that
   * nothing was committed
   * @throws AbortedError `CONNMGR_ABORTED` if `signal` fired before COMMIT was sent: the transaction was rolled back
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.transaction((client) => transfer(client, 30), { replay: 'safe', isolation: 'serializable' })
   */
  transaction<T>(
    work: (connection: C, lease: Lease<C>, attempt: number) => Promise<T>,
    options: ManagerAcquireOptions & TransactionOptions & TransactionReplayOptions = {},
  ): Promise<T> {
    return this.#parts.work.transaction(work, options, this.transaction)
  }

  /**
   * Runs any unit of work, one written with an ORM for example, and again when its error says that it had no effect,
   * whatever the ORM has wrapped that in. Let it be one transaction, or reads: what it has committed before it fails
   * stays, and so it is not run again. Writes outside of this manager it cannot know.
   *
   * @throws whatever the last attempt has thrown
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.replay(() => prisma.$transaction((tx) => placeOrder(tx)), { deadlineMs: 10_000 })
   */
  replay<T>(
    work: (attempt: number) => Promise<T> | T,
    options: UnitReplayOptions<NoInfer<T>> & { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#parts.work.replay(work, options)
  }

  /**
   * The same for a transaction of a library: knows what its work has come to when its COMMIT was lost. For adapters.
   *
   * @param transact runs work in a transaction
   *
   * @example
   * await manager.replayTransaction((work) => db.transaction(work), (tx, attempt) => placeOrder(tx))
   */
  replayTransaction<X, T>(
    transact: (work: (transaction: X) => Promise<T>) => Promise<T>,
    work: (transaction: X, attempt: number) => Promise<T>,
    options: TransactionReplayOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#parts.work.transactionOf(transact, work, options)
  }

  /**
   * @internal The same of a single statement.
   *
   * @param atomic false if it may commit before its end: then an error of the server does not mean that it had no effect
   */
  replayStatement<T>(work: () => Promise<T>, options: ReplayOptions, atomic: boolean): Promise<T> {
    return this.#parts.work.statement(work, options, atomic)
  }

  /**
   * How far the writer is now: a read that is given this token (`after`) sees everything committed until then, on
   * any server, and in any process. Take it after a commit.
   *
   * @throws UnsupportedError `CONNMGR_UNSUPPORTED` if the driver cannot tell
   * @throws AcquireTimeoutError `CONNMGR_ACQUIRE_TIMEOUT` and all others that `acquire` throws
   *
   * @example
   * await manager.transaction(placeOrder)
   * const after = await manager.writeToken()
   * await manager.use(listOrders, { target: 'prefer-standby', after })
   */
  async writeToken(options: AcquireOptions = {}): Promise<WriteToken> {
    checkCall('writeToken', options, CALLS.writeToken)
    if (this.closed) return this.#parts.router.refuse()
    this.#parts.lifecycle.begin()
    return this.#parts.lifecycle.pending.track(this.#parts.reads.token(options, this.writeToken))
  }

  /**
   * Runs `work` so that what is read in it sees what was written in it, also through an ORM and through the pools:
   * reads on standbys come after the writes of the same asynchronous flow, as if each had been given a token. For the
   * length of a request, for example: the session ends when the promise settles that `work` returns, and what goes on
   * after that, such as a timer, is in none. If it returns no promise, all that it has started is in the session.
   *
   * Every lease of a primary in the flow may have written, except transactions with `readOnly`.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
   *
   * @example
   * await manager.withSession(async (session) => {
   *   await handle(request)
   *   response.cookie('written', String((await session.writeToken()) ?? request.cookies.written))
   * }, { after: request.cookies.written })
   */
  withSession<T>(work: (session: ReadSession<C>) => T, options: SessionOptions = {}): T {
    checkWork('withSession', work)
    checkCall('withSession', options, CALLS.withSession)
    return this.#parts.reads.runSession(work, options)
  }

  /** True for what runs within `withSession`. */
  get inSession(): boolean {
    return this.#parts.reads.session !== undefined
  }
}
