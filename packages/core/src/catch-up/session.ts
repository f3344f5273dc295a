import type { Lease } from '../pool/lease.js'
import type { AcquireOptions } from '../pool/options.js'
import type { Clock } from '../time/clock.js'
import type { WriteToken } from './write-token.js'

/** Asks the writer how far it is. */
export type AskWriter = (options: AcquireOptions) => Promise<WriteToken>

/**
 * What one asynchronous flow has written, so that its reads see it. Made by `manager.withSession()`.
 *
 * A caller that borrows a connection to the writer within the flow may have written, unless a transaction says that it is
 * read-only. How far the writer is, is asked when it is first needed, by a read or by `writeToken()`.
 */
export class ReadSession<C extends object = object> {
  readonly #ask: AskWriter
  readonly #clock: Clock
  readonly #stickyMs: number
  /** Leases on the writer that had not ended when last looked at. */
  readonly #open = new Set<Lease<C>>()
  /** Leases that have ended, and how many of them the writer's latest answer covers: what they wrote lies before it. */
  #ended = 0
  #covered = 0
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
    if (!this.unasked) return this.#known.at(-1)
    this.#sweep()
    const ended = this.#ended
    this.#asked += 1
    const question = this.#asked
    const token = await this.#ask(options)
    this.#covered = Math.max(this.#covered, ended)
    if (question > this.#answered) {
      this.#answered = question
      this.#known = [token]
    }
    return token
  }

  /** @internal True if the writer has to be asked before anything can be read elsewhere. */
  get unasked(): boolean {
    return this.#open.size > 0 || this.#ended > this.#covered
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
    this.#sweep()
    this.#open.add(lease)
    this.#touchedAt = this.#clock.now()
    return lease
  }

  /** Counts the leases that have ended, rather than keep them: a session may go on for as long as the process. */
  #sweep(): void {
    for (const lease of this.#open) {
      if (lease.active) continue
      this.#open.delete(lease)
      this.#ended += 1
    }
  }
}
