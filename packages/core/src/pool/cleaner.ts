import type { Driver, Endpoint } from '../driver/contract.js'
import { messageOf } from '../errors.js'
import type { ConnectionDirtyEvent } from '../events/events.js'
import { outside } from '../flow/outside.js'
import { reportLease } from '../leaks/leak-detector.js'
import { attempt, bounded } from '../time/bounded.js'
import type { PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import { LEFT_BEHIND, runHook } from './hook.js'
import type { Lease } from './lease.js'
import type { PoolOptions } from './options.js'

/** What is being done to a connection. */
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

/** Makes a connection that came back fit for the next borrower, whatever its last one left behind. */
export class Cleaner<C extends object> {
  readonly #endpoint: Endpoint
  readonly #driver: Driver<C>
  readonly #options: PoolOptions<C>
  readonly #environment: PoolEnvironment

  constructor(
    endpoint: Endpoint,
    driver: Driver<C>,
    options: PoolOptions<C>,
    environment: PoolEnvironment,
  ) {
    this.#endpoint = endpoint
    this.#driver = driver
    this.#options = options
    this.#environment = environment
  }

  /** Whether the session of a connection that is otherwise in order is to be cleaned before it is lent on. */
  needsReset(entry: PoolEntry<C>): boolean {
    const { reset } = this.#options
    if (reset === 'auto')
      return entry.prepared || this.#driver.session?.altered(entry.connection) === true
    return reset !== 'none'
  }

  /**
   * Rejects if the connection cannot be made clean, at the latest after `resetTimeoutMs`; it must then be destroyed.
   *
   * @throws HookRefusal if a function of the user is to blame
   */
  clean(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { resetTimeoutMs } = this.#options
    let step: Step = 'settle'
    const onStep = (next: Step): void => {
      step = next
    }
    return bounded(
      this.#environment.deadlines,
      resetTimeoutMs,
      // What the user's functions do in it is no work of the borrower.
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
    if (this.#driver.inspect(connection) === 'transaction') {
      this.#report(entry, lease, 'transaction')
      onStep('rollback')
      await this.#driver.transactions?.rollback(connection)
    }
    const { onConnect, reset } = this.#options
    if (this.needsReset(entry)) {
      onStep('reset')
      if (typeof reset === 'function') await this.#run(entry, 'reset', reset)
      else {
        const policy = reset === 'discard-all' ? reset : 'reset-all'
        const found = await this.#driver.session?.reset(connection, policy)
        if (found !== undefined && found.advisoryLocks > 0)
          this.#report(entry, lease, 'advisory-locks')
        // What it had set has been reset too.
        onStep('onConnect')
        if (onConnect !== undefined) await this.#run(entry, 'onConnect', onConnect)
      }
    }
    entry.prepared = false
    const condition = this.#driver.inspect(connection)
    if (condition !== 'clean')
      throw new Error(`connection ${entry.id} is still ${condition} after its reset`)
  }

  /**
   * A statement sent just before the release is allowed to finish: destroying it could undo a write that the caller
   * believes in. One that waits for a caller who has gone never does.
   */
  async #settle(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { connection } = entry
    try {
      if (this.#driver.inspect(connection) === 'busy')
        await this.#driver.activity?.settle(connection)
    } catch (error) {
      if (this.#driver.inspect(connection) !== 'broken') this.#report(entry, lease, 'busy')
      throw error
    }
    const condition = this.#driver.inspect(connection)
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
      await runHook(this.#driver, entry.connection, work)
    } catch (error) {
      // A connection that was lost under it is no fault of the hook.
      throw this.#driver.inspect(entry.connection) === 'broken'
        ? error
        : new HookRefusal(hook, messageOf(error), error)
    }
  }

  #isUsers(step: Step): boolean {
    return step === 'onConnect' || (step === 'reset' && typeof this.#options.reset === 'function')
  }

  #report(entry: PoolEntry<C>, lease: Lease<C>, reason: ConnectionDirtyEvent['reason']): void {
    const { events, name } = this.#environment
    events.emit({
      type: 'connectionDirty',
      pool: name,
      endpoint: this.#endpoint.id,
      connectionId: entry.id,
      reason,
      lease: reportLease(lease, this.#environment),
    })
  }
}
