import type { Clock } from '../clock.js'
import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { WriteToken } from './write-token.js'

/** Asks the writer how far it is. */
export type AskWriter = (options: AcquireOptions) => Promise<WriteToken>

/**
 * What one asynchronous flow has written, so that its reads see it. Made by `manager.withSession()`.
 *
 * Whoever borrows a connection to the writer within the flow may have written, unless a transaction says that it is
 * read-only. How far the writer is, is asked when it is first needed, by a read or by `writeToken()`.
 */
export class ReadSession<C extends object = object> {
  readonly #ask: AskWriter
  readonly #clock: Clock
  readonly #stickyMs: number
  /** Leases on the writer that may have written what the writer's latest answer does not cover. */
  readonly #touched = new Set<Lease<C>>()
  #touchedAt = Number.NEGATIVE_INFINITY
  /** What reads must come after: what the flow began with, or the writer's latest answer, which covers that. */
  #known: readonly WriteToken[] = []
  #asked = 0
  /** The question that was answered last; answers may arrive in another order. */
  #answered = 0

  /** @internal */
  constructor(ask: AskWriter, clock: Clock, stickyMs: number) {
    this.#ask = ask
    this.#clock = clock
    this.#stickyMs = stickyMs
  }

  /**
   * What later reads must come after to see what the flow has written and, if it began with a token, what that was for.
   * Undefined if there is nothing of the kind, so that an earlier token need not be replaced.
   *
   * Rejects as `manager.writeToken()` does.
   */
  async writeToken(options: AcquireOptions = {}): Promise<WriteToken | undefined> {
    if (this.#touched.size === 0) return this.#known.at(-1)
    const ended = [...this.#touched].filter((lease) => !lease.active)
    this.#asked += 1
    const question = this.#asked
    const token = await this.#ask(options)
    for (const lease of ended) this.#touched.delete(lease)
    if (question > this.#answered) {
      this.#answered = question
      this.#known = [token]
    }
    return token
  }

  /** @internal True if the writer has to be asked before anything can be read elsewhere. */
  get unasked(): boolean {
    return this.#touched.size > 0
  }

  /** @internal What is known without asking. */
  get known(): readonly WriteToken[] {
    return this.#known
  }

  /** @internal From now on reads come after this too. */
  follow(token: WriteToken): void {
    this.#known = [...this.#known, token]
  }

  /** @internal True for as long after a write as reads go to the writer anyway. */
  get sticky(): boolean {
    return this.#clock.now() - this.#touchedAt < this.#stickyMs
  }

  /** @internal The flow has been lent a connection to the writer. */
  touch(lease: Lease<C>): Lease<C> {
    this.#touched.add(lease)
    this.#touchedAt = this.#clock.now()
    return lease
  }
}
