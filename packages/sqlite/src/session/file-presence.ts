import { ConnectionLostError } from '@connmgr/core'
import type { Clock } from '@connmgr/core/driver'
import { type FileIdentity, identityOf } from '../location/file-identity.js'
import type { Location } from '../location/location.js'

/** For so long a file that was found is taken to be there: to look takes as long as a small write. */
const SAME_MOMENT_MS = 1

/** The file of a connection, as long as it is the one under its name: what is written to one without a name is lost. */
export class FilePresence {
  readonly #location: Location
  readonly #clock: Clock
  readonly #onGone: (error: ConnectionLostError) => void
  /** Undefined for a database in memory. */
  readonly #identity: FileIdentity | undefined
  /** When the file was last found under its name. */
  #foundAt = Number.NEGATIVE_INFINITY

  constructor(location: Location, clock: Clock, onGone: (error: ConnectionLostError) => void) {
    this.#location = location
    this.#clock = clock
    this.#onGone = onGone
    this.#identity = location.isFile ? identityOf(location.path) : undefined
  }

  /**
   * Looks whether it is there, unless it was a moment ago: a file that goes in the meantime takes with it what was written
   * just before, in any case.
   *
   * @throws ConnectionLostError if it has another name now, or none
   */
  require(): void {
    if (this.#clock.now() - this.#foundAt >= SAME_MOMENT_MS) this.look()
  }

  /** @throws ConnectionLostError if it has another name now, or none */
  look(): void {
    if (this.#identity === undefined) return
    if (identityOf(this.#location.path) === this.#identity) {
      this.#foundAt = this.#clock.now()
      return
    }
    const error = new ConnectionLostError(
      `the database ${this.#location.id} was deleted or replaced since it was opened, so the statement was not run`,
      undefined,
      { sent: false },
    )
    this.#onGone(error)
    throw error
  }
}
