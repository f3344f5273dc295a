import type { Driver } from '../driver/contract.js'
import { AcquireAbortedError, AcquireHookError, messageOf, UnsupportedError } from '../errors.js'
import { unnoted } from '../flow/effects.js'
import { Scope } from '../flow/scope.js'
import { currentContext } from '../leaks/context.js'
import type { AcquireRequest, Lent } from '../pool/acquire-request.js'
import { runCleanly } from '../pool/hook.js'
import type { Lease } from '../pool/lease.js'
import type { Runtime } from '../runtime.js'
import { attempt, bounded } from '../time/bounded.js'
import type { Target } from '../vocabulary/target.js'

/** The acquire that `onAcquire` runs for. */
export interface AcquireContext {
  /** The `context` of the call, or of `runWithContext`; undefined if neither names one. */
  readonly context: unknown
  readonly target: Target
  readonly label: string | undefined
}

/** A function of the user that prepares a connection for the one lease it is about to be lent for. */
export type OnAcquire<C> = (connection: C, acquire: AcquireContext) => Promise<void> | void

/** Where the connections come from that the hook prepares. */
export interface AcquireWay<C extends object> {
  acquire(request: AcquireRequest): Lent<C>
}

export interface AcquireHookOptions<C extends object> {
  readonly onAcquire: OnAcquire<C>
  readonly driver: Driver<C>
}

/** Connections that may die under the hook before the caller gets the error. */
const MOST_ATTEMPTS = 3

/**
 * Runs `onAcquire` on each connection before its borrower has it, in the borrower's asynchronous flow. What it sets is
 * part of the lease, and goes with what the borrower sets.
 */
export class AcquireHook<C extends object> {
  readonly #runtime: Runtime
  readonly #options: AcquireHookOptions<C>
  readonly #running = new Scope<true>()

  constructor(runtime: Runtime, options: AcquireHookOptions<C>) {
    this.#runtime = runtime
    this.#options = options
  }

  /** @throws AcquireHookError `CONNMGR_ACQUIRE_HOOK_FAILED` */
  async acquire(request: AcquireRequest, way: AcquireWay<C>): Promise<Lease<C>> {
    const { driver } = this.#options
    const { clock } = this.#runtime
    if (this.#running.current === true) {
      throw new UnsupportedError(
        'onAcquire must not acquire from its own manager, as that would run it again; use the connection that it is given',
      )
    }
    const until = clock.now() + request.timeoutMs
    for (let number = 1; ; number += 1) {
      const lease = await way.acquire(number === 1 ? request : request.until(until, clock.now()))
      try {
        await this.#prepare(lease, request, Math.max(1, until - clock.now()))
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
    { options, target }: AcquireRequest,
    withinMs: number,
  ): Promise<void> {
    const { driver, onAcquire } = this.#options
    const { deadlines } = this.#runtime
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
      // It goes on by itself, on a connection that no other caller gets.
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
