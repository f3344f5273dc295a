import { type ConnectionActivity, type Effects, noteWrite } from '@connmgr/core/driver'
import type { Followed } from './followed.js'
import { mayWrite } from './in-flight.js'

/** What units of work that may be run again get to know of the statements of one connection: what they write, and whether an end was meant. */
export class WorkNotes {
  readonly #activity: ConnectionActivity
  /** Of the work that has sent the latest statement outside of a transaction, and so has begun the one that is open. */
  #begunIn: Effects | undefined
  /** Of the work that has sent the latest statement. */
  #latest: Effects | undefined

  constructor(activity: ConnectionActivity) {
    this.#activity = activity
  }

  /** A borrower has handed over a statement. @param effects of the work that sends it */
  handedOver(effects: Effects | undefined): void {
    this.#latest = effects
  }

  /** A statement is about to be sent, and has its surroundings. Returns why it must not be. */
  sending(statement: Followed): Error | undefined {
    const { begun, effects, own } = statement
    const borrowers = this.#borrowers()
    if (begun !== 'transaction') this.#begunIn = effects ?? (own ? undefined : borrowers?.alive)
    if (own || (effects === undefined && borrowers === undefined) || !mayWrite(statement))
      return undefined
    try {
      if (begun === 'transaction') this.#begunIn?.requireCommittable()
      statement.endWrite = noteWrite(effects, borrowers)
    } catch (error) {
      return error as Error
    }
    return undefined
  }

  /** For libraries that keep of an error no more than its code. */
  deliberateEnd(): void {
    this.#latest?.noteDeliberateEnd()
    this.#borrowers()?.noteDeliberateEnd()
  }

  /** Of the unit of work that has borrowed the connection, if that may be run again. */
  #borrowers(): Effects | undefined {
    return this.#activity.lease?.owner.effects as Effects | undefined
  }
}
