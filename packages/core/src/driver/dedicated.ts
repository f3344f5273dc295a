import { ConnectTimeoutError, toError } from '../errors.js'
import { outside } from '../flow/outside.js'
import { attempt, bounded } from '../time/bounded.js'
import type { Deadlines } from '../time/deadlines.js'
import type { ConnectionSignal, Driver, Endpoint } from './contract.js'

/** What bounds the life of a dedicated connection. Times are in milliseconds. */
export interface DedicatedContext<C extends object> {
  readonly driver: Driver<C>
  readonly deadlines: Deadlines
  readonly connectTimeoutMs: number
  readonly validateTimeoutMs: number
  readonly closeTimeoutMs: number
}

/**
 * A connection that belongs to no pool, for what lasts as long as the manager, such as a subscription. It takes no slot,
 * is not lent, not replaced and not suspended; its opener must end it.
 */
export class DedicatedConnection<C extends object> {
  readonly endpoint: Endpoint
  readonly connection: C
  readonly #context: DedicatedContext<C>

  private constructor(endpoint: Endpoint, connection: C, context: DedicatedContext<C>) {
    this.endpoint = endpoint
    this.connection = connection
    this.#context = context
  }

  /**
   * @param signal gives the attempt up
   * @throws ConnectTimeoutError `CONNMGR_CONNECT_TIMEOUT`, or the driver's error
   */
  static async open<C extends object>(
    endpoint: Endpoint,
    onSignal: (signal: ConnectionSignal) => void,
    signal: AbortSignal,
    context: DedicatedContext<C>,
  ): Promise<DedicatedConnection<C>> {
    const { connectTimeoutMs, deadlines, driver } = context
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const opening = attempt(() =>
      outside(() => driver.connect(endpoint, { signal: abort.signal, onSignal })),
    )
    try {
      const connection = await bounded(deadlines, connectTimeoutMs, opening, () => {
        const error = new ConnectTimeoutError(endpoint.id, connectTimeoutMs)
        abort.abort(error)
        return error
      })
      signal.throwIfAborted()
      return new DedicatedConnection(endpoint, connection, context)
    } catch (error) {
      // It may have become ready in the very moment in which it was given up.
      opening.then(
        (connection) => driver.destroy(connection),
        () => {},
      )
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Rejects if the server does not answer within `validateTimeoutMs`, or is a standby. */
  async check(): Promise<void> {
    const { connection } = this
    const { driver } = this.#context
    await this.within(attempt(() => driver.validate(connection)))
    if (driver.replication?.role(connection) === 'standby')
      throw new Error(`${this.endpoint.id} is a standby now`)
  }

  /** `work`, which rejects if it takes longer than `validateTimeoutMs`. */
  within<T>(work: Promise<T>): Promise<T> {
    const { deadlines, validateTimeoutMs } = this.#context
    return bounded(
      deadlines,
      validateTimeoutMs,
      work,
      () => new Error(`${this.endpoint.id} did not answer within ${validateTimeoutMs} ms`),
    )
  }

  /** Says goodbye to the server, or cuts the connection off if that takes too long. Never rejects. */
  async close(): Promise<void> {
    const { closeTimeoutMs, deadlines, driver } = this.#context
    await bounded(
      deadlines,
      closeTimeoutMs,
      attempt(() => driver.close(this.connection)),
      () => new Error('close timed out'),
    ).catch((error: unknown) => this.destroy(error))
  }

  /** Cuts the connection off at once. */
  destroy(reason?: unknown): void {
    this.#context.driver.destroy(
      this.connection,
      reason === undefined ? undefined : toError(reason),
    )
  }
}
