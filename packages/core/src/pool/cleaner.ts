import { attempt, bounded } from '../bounded.js'
import type { ConnectionCondition, Driver, Endpoint } from '../driver.js'
import { reportLease } from '../leaks/leak-detector.js'
import type { PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'
import type { Lease } from './lease.js'
import type { PoolOptions } from './options.js'

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

  inspect(entry: PoolEntry<C>): ConnectionCondition {
    return this.#driver.inspect(entry.connection)
  }

  /** Rejects if the connection cannot be made clean within `resetTimeoutMs`; it must then be destroyed. */
  clean(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { resetTimeoutMs } = this.#options
    return bounded(
      this.#environment.deadlines,
      resetTimeoutMs,
      attempt(() => this.#cleanUp(entry, lease)),
      () => {
        if (this.inspect(entry) === 'busy') this.#report(entry, lease, 'busy')
        return new Error(
          `connection ${entry.id} could not be cleaned within resetTimeoutMs (${resetTimeoutMs} ms)`,
        )
      },
    )
  }

  async #cleanUp(entry: PoolEntry<C>, lease: Lease<C>): Promise<void> {
    const { connection } = entry
    // A statement sent just before the release is allowed to finish: destroying it could undo a write that the
    // caller believes in.
    if (this.inspect(entry) === 'busy') await this.#driver.settle?.(connection)
    if (this.inspect(entry) === 'transaction') {
      this.#report(entry, lease, 'transaction')
      await this.#driver.rollback?.(connection)
    }
    const { onConnect, reset } = this.#options
    if (typeof reset === 'function') await reset(connection)
    else if (reset !== 'none') {
      await this.#driver.reset?.(connection, reset)
      // What it had set has been reset too.
      await onConnect?.(connection)
    }
    const condition = this.inspect(entry)
    if (condition !== 'clean')
      throw new Error(`connection ${entry.id} is still ${condition} after its reset`)
  }

  #report(entry: PoolEntry<C>, lease: Lease<C>, reason: 'transaction' | 'busy'): void {
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
