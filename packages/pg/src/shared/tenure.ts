import type { LaneHost, Loan } from './lane-host.js'

/** How often a lane looks whether a caller waits for its connection, or the engine wants it back. */
export const TURN_MS = 20
/** Age at which a lane gives its connection back even if no caller waits, so that whatever happens on release happens. */
const LONGEST_MS = 1000

/** For how long a lane sends queries on its connection. */
export class Tenure {
  readonly #host: LaneHost
  readonly #lease: Loan['lease']
  readonly #beganAt: number
  #turnEndsAt: number

  constructor(host: LaneHost, lease: Loan['lease'], now: number) {
    this.#host = host
    this.#lease = lease
    this.#beganAt = now
    this.#turnEndsAt = now + TURN_MS
  }

  /** Whether nothing new is to be sent. Looks for most reasons once a turn. */
  isOver(now: number): boolean {
    // After a stop of the process: the next lane has its connection tested.
    if (this.#lease.isSuspect(now)) return true
    if (now < this.#turnEndsAt) return false
    this.#turnEndsAt = now + TURN_MS
    const doomed = this.#lease.entry.doomed !== undefined
    return doomed || now - this.#beganAt >= LONGEST_MS || this.#host.crowding
  }
}
