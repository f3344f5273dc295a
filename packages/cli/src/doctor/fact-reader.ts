import { redactText } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import type { NotSeen } from './finding.js'

/**
 * Reads facts one by one. What a server does not tell, for want of rights, of a version or of time, is noted as not seen, and
 * the others are read all the same.
 */
export class FactReader {
  readonly #server: string
  readonly #signal: AbortSignal
  readonly #notSeen: NotSeen[] = []

  /** @param signal fires when there is no time left */
  constructor(server: string, signal: AbortSignal) {
    this.#server = server
    this.#signal = signal
  }

  get notSeen(): readonly NotSeen[] {
    return this.#notSeen
  }

  /** Notes that something is not to be seen, and why. */
  miss(what: string, reason: string): void {
    this.#notSeen.push({ server: this.#server, what, reason })
  }

  /** @returns undefined for what cannot be read */
  async read<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (this.#signal.aborted) {
      this.miss(what, messageOf(this.#signal.reason))
      return undefined
    }
    try {
      return await this.#unlessAborted(ask())
    } catch (error) {
      const cause = this.#signal.aborted ? this.#signal.reason : error
      this.miss(what, redactText(messageOf(cause)).split('\n')[0] as string)
      return undefined
    }
  }

  /** A resolver, for one, cannot be stopped. */
  #unlessAborted<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(this.#signal.reason)
      this.#signal.addEventListener('abort', stop, { once: true })
      asked.then(resolve, reject).finally(() => this.#signal.removeEventListener('abort', stop))
    })
  }
}
