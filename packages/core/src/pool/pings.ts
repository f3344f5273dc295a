import { attempt, bounded } from '../bounded.js'
import type { Driver } from '../driver.js'
import { ValidationFailedError } from '../errors.js'
import type { PoolEntry } from './entry.js'
import type { PoolEnvironment } from './environment.js'

/** The server has not answered in time: it tells of the server, not only of one connection. */
export class PingUnansweredError extends ValidationFailedError {
  constructor(connectionId: number, when: string) {
    super(`connection ${connectionId} did not answer its ping ${when}`)
  }
}

/** The pings under way, each within its deadline. */
export class Pings<C extends object> {
  readonly #driver: Driver<C>
  readonly #timeoutMs: number
  readonly #environment: PoolEnvironment
  /** When each was sent, and how it is given up. */
  readonly #running = new Map<PoolEntry<C>, { sentAt: number; giveUp: (error: Error) => void }>()

  constructor(driver: Driver<C>, timeoutMs: number, environment: PoolEnvironment) {
    this.#driver = driver
    this.#timeoutMs = timeoutMs
    this.#environment = environment
  }

  /** Connections that are being asked. */
  get size(): number {
    return this.#running.size
  }

  /** Asks the server over a connection; rejects if it does not answer, or not in time. */
  send(entry: PoolEntry<C>): Promise<void> {
    const { clock, deadlines } = this.#environment
    const ping = new Promise<void>((resolve, reject) => {
      this.#running.set(entry, { sentAt: clock.now(), giveUp: reject })
      attempt(() => this.#driver.validate(entry.connection)).then(resolve, reject)
    })
    return bounded(
      deadlines,
      this.#timeoutMs,
      ping,
      () => new PingUnansweredError(entry.id, `within ${this.#timeoutMs} ms`),
    )
  }

  /** The ping of a connection is over, or of no interest any more. */
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
