import { ValidationFailedError } from '../errors.js'
import { attempt, bounded } from '../time/bounded.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'

/** The server has not answered in time, which says something about the server, not only about one connection. */
export class PingUnansweredError extends ValidationFailedError {
  constructor(connectionId: number, when: string) {
    super(`connection ${connectionId} did not answer its ping ${when}`)
  }
}

/**
 * A ping is given up after so many times the longest answer of its server, and no sooner than `SHORTEST_MS`: the pool closes
 * connections of the same age with it.
 */
const PATIENCE = 2
const SHORTEST_MS = 1000

/** The pings under way, each within its deadline. */
export class Pings<C extends object> {
  readonly #context: PoolContext<C>
  /** When each was sent, and how it is given up. */
  readonly #running = new Map<PoolEntry<C>, { sentAt: number; giveUp: (error: Error) => void }>()

  constructor(context: PoolContext<C>) {
    this.#context = context
  }

  /** Connections that are being asked. */
  get size(): number {
    return this.#running.size
  }

  /**
   * Asks the server over a connection; rejects if it does not answer, or not in time.
   *
   * @param ask the question; `@default` the driver's `validate`
   */
  send(
    entry: PoolEntry<C>,
    ask = (connection: C) => this.#context.driver.validate(connection),
  ): Promise<void> {
    const { clock, deadlines, stall } = this.#context.runtime
    const sentAt = clock.now()
    const stalledBefore = stall.stalledAt(sentAt)
    const ping = new Promise<void>((resolve, reject) => {
      this.#running.set(entry, { sentAt, giveUp: reject })
      attempt(() => ask(entry.connection)).then(() => {
        const now = clock.now()
        this.#context.times.answered(
          Math.max(0, now - sentAt - (stall.stalledAt(now) - stalledBefore)),
        )
        resolve()
      }, reject)
    })
    const timeoutMs = this.#withinMs()
    return bounded(
      deadlines,
      timeoutMs,
      ping,
      () => new PingUnansweredError(entry.id, `within ${timeoutMs} ms`),
    )
  }

  /** The whole time-out while no answer of the server has been measured. */
  #withinMs(): number {
    if (!this.#context.times.known) return this.#context.options.validateTimeoutMs
    const patientMs = PATIENCE * this.#context.times.answerWithinMs(SHORTEST_MS / PATIENCE)
    return Math.min(this.#context.options.validateTimeoutMs, patientMs)
  }

  /** The ping of a connection is over, or its result does not matter any more. */
  forget(entry: PoolEntry<C>): void {
    this.#running.delete(entry)
  }

  /** The server has answered a question asked after `since`: a ping sent before that gets no answer any more. */
  answered(since: number): void {
    for (const [entry, { sentAt, giveUp }] of this.#running) {
      if (sentAt < since)
        giveUp(new PingUnansweredError(entry.id, 'though its server answers others'))
    }
  }
}
