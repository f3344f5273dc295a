import { CALLS, checkCall, checkWork } from '../config/calls.js'
import type { Driver, TransactionOptions } from '../driver/contract.js'
import { ConnmgrError } from '../errors.js'
import type { FunctionReference } from '../leaks/stack.js'
import type { Lent } from '../pool/acquire-request.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Runtime } from '../runtime.js'
import { bounded } from '../time/bounded.js'
import { untilAborted } from './abort.js'
import type { ReplayOptions, TransactionReplayOptions, UnitReplayOptions } from './options.js'
import type { Replayer, Unit } from './replayer.js'
import { inTransaction } from './transaction.js'

/** Where units of work get their leases from. */
export interface LeaseSource<C extends object, A extends AcquireOptions> {
  readonly driver: Driver<C>
  readonly replayer: Replayer
  readonly acquireTimeoutMs: number
  /** @param again for another attempt */
  readonly acquire: (options: A, below: FunctionReference, again: boolean) => Lent<C>
  /** How long a rollback may take. */
  readonly rollbackTimeoutMs: number
}

type Work<C extends object, T> = (connection: C, lease: Lease<C>, attempt: number) => Promise<T> | T

/** Runs units of work on leases of their own, again if that was asked for. */
export class UnitsOfWork<C extends object, A extends AcquireOptions> {
  readonly #runtime: Runtime
  readonly #source: LeaseSource<C, A>

  constructor(runtime: Runtime, source: LeaseSource<C, A>) {
    this.#runtime = runtime
    this.#source = source
  }

  async use<T>(
    work: Work<C, T>,
    options: A & UnitReplayOptions<T>,
    below: FunctionReference,
  ): Promise<T> {
    checkWork('use', work)
    checkCall('use', options, CALLS.use)
    const { replay: mode = 'never' } = options
    if (mode === 'never' && options.outcome === undefined) return this.#use(work, options, below, 1)
    return this.#source.replayer.run({
      kind: 'use',
      mode,
      options,
      run: (attempt, leftMs) => this.#use(work, this.#within(options, leftMs), below, attempt),
      outcome: options.outcome,
    })
  }

  async transaction<T>(
    work: Work<C, T>,
    options: A & TransactionOptions & TransactionReplayOptions,
    below: FunctionReference,
  ): Promise<T> {
    checkWork('transaction', work)
    checkCall('transaction', options, CALLS.transaction)
    const { outcome, readOnly, replay: mode = 'never' } = options
    if (mode === 'never' && outcome === undefined) return this.#transact(work, options, below, 1)
    const result = new Result<T>()
    return this.#source.replayer.run<T>({
      kind: 'transaction',
      mode,
      options,
      run: (attempt, leftMs) =>
        this.#transact(
          (connection, lease) => result.of(() => work(connection, lease, attempt)),
          this.#within(options, leftMs),
          below,
          attempt,
        ),
      outcome: result.resolvedBy(outcome),
      // It was asked to refuse writes.
      judge: (failure) => (readOnly === true && failure === 'refused' ? 'other' : failure),
    })
  }

  async transactionOf<X, T>(
    transact: (work: (transaction: X) => Promise<T>) => Promise<T>,
    work: (transaction: X, attempt: number) => Promise<T>,
    options: TransactionReplayOptions & { readonly signal?: AbortSignal },
  ): Promise<T> {
    checkWork('replayTransaction', work)
    checkCall('replayTransaction', options, CALLS.replayTransaction)
    const result = new Result<T>()
    return this.#source.replayer.run<T>({
      kind: 'transaction',
      mode: options.replay ?? 'safe',
      options,
      run: (attempt) => transact((transaction) => result.of(() => work(transaction, attempt))),
      outcome: result.resolvedBy(options.outcome),
    })
  }

  async replay<T>(
    work: (attempt: number) => Promise<T> | T,
    options: UnitReplayOptions<T> & { readonly signal?: AbortSignal },
  ): Promise<T> {
    checkWork('replay', work)
    checkCall('replay', options, CALLS.replay)
    return this.#source.replayer.run<T>({
      kind: 'replay',
      mode: options.replay ?? 'safe',
      options,
      run: async (attempt) => work(attempt),
      outcome: options.outcome,
    })
  }

  async statement<T>(work: () => Promise<T>, options: ReplayOptions, atomic: boolean): Promise<T> {
    checkCall('query', options, CALLS.query)
    const { replay: mode = 'safe' } = options
    return this.#source.replayer.run<T>({
      kind: 'statement',
      mode,
      options,
      run: async () => work(),
      // What is not atomic may have committed a part before the server refused the rest.
      judge: (failure, error) =>
        atomic || mode === 'idempotent' || error instanceof ConnmgrError ? failure : 'other',
    })
  }

  async #use<T>(
    work: Work<C, T>,
    options: A,
    below: FunctionReference,
    attempt: number,
  ): Promise<T> {
    const lease = await this.#source.acquire(options, below, attempt > 1)
    return this.#untilAborted(lease, options.signal, false, async () => {
      try {
        return await work(lease.connection, lease, attempt)
      } finally {
        if (lease.active) lease.release()
      }
    })
  }

  async #transact<T>(
    work: Work<C, T>,
    options: A & TransactionOptions,
    below: FunctionReference,
    attempt: number,
  ): Promise<T> {
    const { acquire, acquireTimeoutMs, driver, rollbackTimeoutMs } = this.#source
    const { clock } = this.#runtime
    const until = clock.now() + (options.timeoutMs ?? acquireTimeoutMs)
    const lease = await acquire(options, below, attempt > 1)
    const { isolation, readOnly } = options
    const begin = {
      ...(isolation === undefined ? {} : { isolation }),
      ...(readOnly === undefined ? {} : { readOnly }),
      leftMs: Math.max(0, until - clock.now()),
    }
    return this.#untilAborted(lease, options.signal, true, () =>
      inTransaction(
        driver,
        lease,
        begin,
        async (connection) => work(connection, lease, attempt),
        (rollback) =>
          bounded(this.#runtime.deadlines, rollbackTimeoutMs, rollback, rollbackTooLate),
      ),
    )
  }

  #untilAborted<T>(
    lease: Lease<C>,
    signal: AbortSignal | undefined,
    valueProvesCommit: boolean,
    run: () => Promise<T>,
  ): Promise<T> {
    if (signal === undefined) return run()
    const { driver } = this.#source
    const { clock } = this.#runtime
    return untilAborted(lease, signal, { clock, driver, valueProvesCommit }, run)
  }

  /** No attempt waits for its connection beyond the deadline of all. */
  #within<O extends A & ReplayOptions>(options: O, leftMs: number | undefined): O {
    if (leftMs === undefined) return options
    const timeoutMs = options.timeoutMs ?? this.#source.acquireTimeoutMs
    return timeoutMs <= leftMs ? options : { ...options, timeoutMs: leftMs }
  }
}

function rollbackTooLate(): Error {
  return new Error('rollback timed out')
}

/** What the work of a transaction has come to before its COMMIT, in the latest attempt. */
class Result<T> {
  #done: { readonly value: T } | undefined

  async of(work: () => Promise<T> | T): Promise<T> {
    this.#done = undefined
    const value = await work()
    this.#done = { value }
    return value
  }

  resolvedBy(outcome: TransactionReplayOptions['outcome']): Unit<T>['outcome'] {
    return (
      outcome &&
      (async (error, attempt) => {
        // Of something that the work did besides, not of its own COMMIT.
        if (this.#done === undefined) return 'unknown'
        const found = await outcome(error, attempt)
        return found === 'committed' ? { committed: this.#done.value } : found
      })
    )
  }
}
