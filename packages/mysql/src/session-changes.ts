import { AsyncLocalStorage } from 'node:async_hooks'
import type { Connection } from 'mysql2'
import type { SessionEffects } from './text/statement-text.js'

/** While a connection is being set up by listeners of its pool's 'connection'; what they set belongs to it. */
const settingUp = new AsyncLocalStorage<Connection>()

/** Runs `work`, whose statements on `connection` set it up for all who will borrow it. */
export function settingUpConnection(connection: Connection, work: () => void): void {
  settingUp.run(connection, work)
}

/** What is known to have changed in one session since its baseline, by the statements sent. */
export class SessionChanges {
  readonly #connection: Connection
  #altered = false
  #locks = false
  #database = false
  #asksForReadOnly = false
  /** The statements that have set the connection up, to be run again after a reset. */
  readonly #setup = new Set<string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Whether the next borrower may find another session than the last one did. */
  get altered(): boolean {
    return this.#altered
  }

  /** Whether there may be locks of GET_LOCK. */
  get locks(): boolean {
    return this.#locks
  }

  /** Whether another database may be the current one. */
  get database(): boolean {
    return this.#database
  }

  /** Whether a borrower has asked for transactions that only read. */
  get asksForReadOnly(): boolean {
    return this.#asksForReadOnly
  }

  /** In the order of the first time. */
  get setup(): Iterable<string> {
    return this.#setup
  }

  /** A statement of a borrower is being sent. @param repeatable gives its text, if that does the same when it is sent alone */
  note(
    { changes, database, locks, readOnly }: SessionEffects,
    repeatable: () => string | undefined,
  ): void {
    if (readOnly) this.#asksForReadOnly = true
    if (!changes) return
    this.#locks ||= locks
    this.#database ||= database
    const text = settingUp.getStore() === this.#connection ? repeatable() : undefined
    if (text === undefined) this.#altered = true
    else this.#setup.add(text)
  }

  /** The session is something else altogether, and no reset brings it back. */
  mark(): void {
    this.#altered = true
  }

  /** What the engine itself has asked for. */
  noteReadOnly(): void {
    this.#asksForReadOnly = true
  }

  baseline(): void {
    this.#altered = false
    this.#locks = false
    this.#database = false
    this.#asksForReadOnly = false
  }
}
