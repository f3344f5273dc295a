import { summarize } from '../events/event-parts.js'
import { outside } from '../flow/outside.js'
import { ConnectionDestroyedError } from '../statement-errors.js'
import { attempt, bounded } from '../time/bounded.js'
import type { CloseReason } from '../vocabulary/close-reason.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'

/** Connections in these cases are in order, and so deserve a goodbye to the server. */
const GRACEFUL: ReadonlySet<CloseReason> = new Set([
  'idle',
  'lifetime',
  'uses',
  'overflow',
  'cleared',
  'evicted',
  'budget',
  'closed',
])

/** Closes physical connections: with a goodbye to the server where it deserves one, and always within a deadline. */
export class Retirement<C extends object> {
  readonly #context: PoolContext<C>
  readonly #running = new Set<Promise<void>>()

  constructor(context: PoolContext<C>) {
    this.#context = context
  }

  /** @param onGone called when the connection is no more; at the latest after `closeTimeoutMs` */
  retire(
    entry: PoolEntry<C>,
    reason: CloseReason,
    error: Error | undefined,
    onGone?: () => void,
  ): void {
    this.#context.runtime.events.emit({
      type: 'connectionClosed',
      pool: this.#context.runtime.name,
      endpoint: this.#context.endpoint.id,
      connectionId: entry.id,
      reason,
      durationMs: this.#context.runtime.clock.now() - entry.createdAt,
      ...(error === undefined ? {} : { error: summarize(error) }),
    })
    outside(() => this.#tearDown(entry, reason, error, onGone))
  }

  #tearDown(
    entry: PoolEntry<C>,
    reason: CloseReason,
    error: Error | undefined,
    onGone?: () => void,
  ): void {
    if (!this.#deservesGoodbye(entry, reason)) {
      this.#context.driver.destroy(entry.connection, whyCutOff(entry, reason, error))
      onGone?.()
      return
    }
    const goodbye = bounded(
      this.#context.runtime.deadlines,
      this.#context.options.closeTimeoutMs,
      attempt(() => this.#context.driver.close(entry.connection)),
      () => new Error('close timed out'),
    )
      // A connection that cannot say goodbye is cut off. No caller is left to whom the failure matters.
      .catch(() => this.#context.driver.destroy(entry.connection))
      .finally(() => {
        this.#running.delete(goodbye)
        onGone?.()
      })
    this.#running.add(goodbye)
  }

  /** Resolves once every teardown under way has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  #deservesGoodbye(entry: PoolEntry<C>, reason: CloseReason): boolean {
    return GRACEFUL.has(reason) && this.#context.driver.inspect(entry.connection) === 'clean'
  }
}

/** The error of statements that are cut off with a connection: a deliberate end is no failure. */
function whyCutOff<C extends object>(
  entry: PoolEntry<C>,
  reason: CloseReason,
  error: Error | undefined,
): Error | undefined {
  const how = ON_PURPOSE[reason]
  if (how === undefined) return error
  return new ConnectionDestroyedError(`connection ${entry.id} was ${how}`, error)
}

/** Deliberate ends, while the server was well. */
const ON_PURPOSE: Partial<Record<CloseReason, string>> = {
  destroyed: 'destroyed by the caller who had it',
  leaked: 'taken from the caller who had it, as it had leaked (leakDetection.reclaim)',
  reclaimed: 'taken from the caller who had it, by request (reclaim)',
  dirty: 'destroyed, as it came back in a state that could not be cleaned',
  closed: 'destroyed with its pool, as it had not come back in time',
}
