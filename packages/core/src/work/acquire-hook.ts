import type { Driver } from '../driver/contract.js'
import { AcquireAbortedError, AcquireHookError, messageOf, UnsupportedError } from '../errors.js'
import { unnoted } from '../flow/effects.js'
import { Scope } from '../flow/scope.js'
import { currentContext } from '../leaks/context.js'
import type { FunctionReference } from '../leaks/stack.js'
import { runCleanly } from '../pool/hook.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import { attempt, bounded } from '../time/bounded.js'
import type { Clock } from '../time/clock.js'
import type { Deadlines } from '../time/deadlines.js'
import type { Target } from '../vocabulary/target.js'

/** What `onAcquire` is told of the acquire it runs for. */
export interface AcquireContext {
  /** The `context` of the call, or of `runWithContext`; undefined if neither names one. */
  readonly context: unknown
  readonly target: Target
  readonly label: string | undefined
}

/** A function of the user that prepares a connection for the one lease it is about to be lent for. */
export type OnAcquire<C> = (connection: C, acquire: AcquireContext) => Promise<void> | void

type Acquire<C extends object, A extends AcquireOptions> = (
  options: A,
  target: Target,
  below: FunctionReference,
) => Promise<Lease<C>>

/** What running the hook takes. */
export interface HookContext<C extends object> {
  readonly onAcquire: OnAcquire<C>
  readonly acquireTimeoutMs: number
  readonly driver: Driver<C>
  readonly clock: Clock
  readonly deadlines: Deadlines
}

/** Connections that may die under the hook before the caller is told. */
const MOST_ATTEMPTS = 3

/**
 * Runs `onAcquire` on each connection before its borrower has it, in the borrower's asynchronous flow. What it sets is
 * part of the lease, and goes with what the borrower sets.
 */
export class AcquireHook<C extends object> {
  readonly #context: HookContext<C>
  readonly #running = new Scope<true>()

  constructor(context: HookContext<C>) {
    this.#context = context
  }

  /** @throws AcquireHookError `CONNMGR_ACQUIRE_HOOK_FAILED` */
  async acquire<A extends AcquireOptions>(
    acquire: Acquire<C, A>,
    options: A,
    target: Target,
    below: FunctionReference,
  ): Promise<Lease<C>> {
    const { acquireTimeoutMs, clock, driver } = this.#context
    if (this.#running.current === true) {
      throw new UnsupportedError(
        'onAcquire must not acquire from its own manager, as that would run it again; use the connection that it is given',
      )
    }
    const until = clock.now() + (options.timeoutMs ?? acquireTimeoutMs)
    for (let number = 1; ; number += 1) {
      const timeoutMs = number === 1 ? options.timeoutMs : Math.max(0, until - clock.now())
      const wanted = timeoutMs === undefined ? options : { ...options, timeoutMs }
      const lease = await acquire(wanted, target, below)
      try {
        await this.#prepare(lease, options, target, Math.max(1, until - clock.now()))
        return lease
      } catch (error) {
        const died = driver.inspect(lease.entry.connection) === 'broken' && lease.active
        if (lease.active) lease.release()
        // The hook is not to blame, and nothing has been done yet that could not be done on another.
        if (!died || number === MOST_ATTEMPTS) throw error
      }
    }
  }

  async #prepare(
    lease: Lease<C>,
    options: AcquireOptions,
    target: Target,
    withinMs: number,
  ): Promise<void> {
    const { deadlines, driver, onAcquire } = this.#context
    const { entry } = lease
    const ambient = currentContext()
    const acquire: AcquireContext = {
      context: options.context ?? ambient?.context,
      target,
      label: options.label ?? ambient?.label,
    }
    const { signal } = options
    let onAbort = (): void => {}
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        const error = new AcquireAbortedError(signal?.reason)
        if (lease.active) lease.destroy(error)
        reject(error)
      }
    })
    // Whatever else ends the hook may come first.
    aborted.catch(() => {})
    signal?.addEventListener('abort', onAbort, { once: true })
    lease.beginPreparation()
    try {
      if (signal?.aborted === true) throw new AcquireAbortedError(signal.reason)
      const hook = (): Promise<void> | void => onAcquire(lease.connection, acquire)
      const prepared = attempt(() =>
        // What it sends is no part of a unit of work that may be run again.
        unnoted(() => this.#running.run(true, () => runCleanly(driver, entry.connection, hook))),
      )
      await Promise.race([aborted, bounded(deadlines, withinMs, prepared, tooLate)])
    } catch (error) {
      if (error instanceof AcquireAbortedError) throw error
      if (!(error instanceof AcquireHookError))
        throw new AcquireHookError(`onAcquire failed: ${messageOf(error)}`, error)
      // It goes on by itself, on a connection that nobody else is to get.
      if (lease.active) lease.destroy(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', onAbort)
      lease.endPreparation()
    }
  }
}

function tooLate(): Error {
  return new AcquireHookError('onAcquire has not finished within the time of the acquire')
}
