import { messageOf } from '../errors.js'
import type { ConnectionDirtyEvent } from '../events/pool-events.js'
import { outside } from '../flow/outside.js'
import { reportLease } from '../leaks/leak-detector.js'
import { attempt, bounded } from '../time/bounded.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import { LEFT_BEHIND, runHook } from './hook.js'
import type { Lease } from './lease.js'

/** The step of cleaning that runs. */
type Step = 'settle' | 'rollback' | 'reset' | 'onConnect'

/** A function of the user failed on a connection that came back: `onConnect` after a reset, or `reset` itself. */
export class HookRefusal extends Error {
  constructor(
    readonly hook: Step,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
  }
}

/** Makes a returned connection fit for the next borrower. */
export class Cleaner<C extends object> {
  readonly #context: PoolContext<C>

  constructor(context: PoolContext<C>) {
    this.#context = context
  }

  /** Whether a connection that is otherwise in order needs a reset of its session before it is lent again. */
  needsReset(entry: PoolEntry<C>): boolean {
    const { reset } = this.#context.options
    if (reset === 'auto')
      return entry.prepared || this.#context.driver.session?.altered(entry.connection) === true
    return reset !== 'none'
  }

  /**
   * Rejects if the connection cannot be made clean, at the latest after `resetTimeoutMs`; it must then be destroyed.
   *
   * @throws HookRefusal if a function of the user is to blame
   */
  clean(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { resetTimeoutMs } = this.#context.options
    let step: Step = 'settle'
    const onStep = (next: Step): void => {
      step = next
    }
    return bounded(
      this.#context.runtime.deadlines,
      resetTimeoutMs,
      // The user's functions run outside the flow of the borrower.
      attempt(() => outside(() => this.#cleanUp(entry, lease, onStep))),
      () => {
        if (step === 'settle') this.#report(entry, lease, 'busy')
        const late = step === 'onConnect' ? ': onConnect has not finished' : ''
        const message = `connection ${entry.id} could not be cleaned within resetTimeoutMs (${resetTimeoutMs} ms)${late}`
        return this.#isUsers(step) ? new HookRefusal(step, message) : new Error(message)
      },
    )
  }

  async #cleanUp(
    entry: PoolEntry<C>,
    lease: Lease<C>,
    onStep: (step: Step) => void,
  ): Promise<void> {
    const { connection } = entry
    await this.#settle(entry, lease)
    if (this.#context.driver.inspect(connection) === 'transaction') {
      this.#report(entry, lease, 'transaction')
      onStep('rollback')
      await this.#context.driver.transactions?.rollback(connection)
    }
    const { onConnect, reset } = this.#context.options
    if (this.needsReset(entry)) {
      onStep('reset')
      if (typeof reset === 'function') await this.#run(entry, 'reset', reset)
      else {
        const policy = reset === 'discard-all' ? reset : 'reset-all'
        const found = await this.#context.driver.session?.reset(connection, policy)
        if (found !== undefined && found.advisoryLocks > 0)
          this.#report(entry, lease, 'advisory-locks')
        // The reset has undone what `onConnect` had set.
        onStep('onConnect')
        if (onConnect !== undefined) await this.#run(entry, 'onConnect', onConnect)
      }
    }
    entry.prepared = false
    const condition = this.#context.driver.inspect(connection)
    if (condition !== 'clean')
      throw new Error(`connection ${entry.id} is still ${condition} after its reset`)
  }

  /**
   * A statement sent just before the release is allowed to finish: destroying it could undo a write that the caller
   * believes in. A statement that waits for its client never finishes, because the client has gone.
   */
  async #settle(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { connection } = entry
    try {
      if (this.#context.driver.inspect(connection) === 'busy')
        await this.#context.driver.activity?.settle(connection)
    } catch (error) {
      if (this.#context.driver.inspect(connection) !== 'broken') this.#report(entry, lease, 'busy')
      throw error
    }
    const condition = this.#context.driver.inspect(connection)
    if (condition !== 'busy' && condition !== 'stuck') return
    this.#report(entry, lease, 'busy')
    throw new Error(
      `connection ${entry.id} is still ${condition}: ${LEFT_BEHIND[condition]} was left behind`,
    )
  }

  /** Runs a function of the user, which must leave the connection as a borrower may find it. */
  async #run(
    entry: PoolEntry<C>,
    hook: Step,
    work: (connection: C) => Promise<void> | void,
  ): Promise<void> {
    try {
      await runHook(this.#context.driver, entry.connection, work)
    } catch (error) {
      // A connection that was lost under it is no fault of the hook.
      throw this.#context.driver.inspect(entry.connection) === 'broken'
        ? error
        : new HookRefusal(hook, messageOf(error), error)
    }
  }

  #isUsers(step: Step): boolean {
    return (
      step === 'onConnect' ||
      (step === 'reset' && typeof this.#context.options.reset === 'function')
    )
  }

  #report(entry: PoolEntry<C>, lease: Lease<C>, reason: ConnectionDirtyEvent['reason']): void {
    const { events, name } = this.#context.runtime
    events.emit({
      type: 'connectionDirty',
      pool: name,
      endpoint: this.#context.endpoint.id,
      connectionId: entry.id,
      reason,
      lease: reportLease(lease, this.#context.runtime),
    })
  }
}
