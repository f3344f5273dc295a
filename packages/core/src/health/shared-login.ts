import type { Role } from '../driver/contract.js'
import type { Clock } from '../time/clock.js'
import type { WatchMember } from './watch-members.js'

interface Login {
  readonly by: WatchMember
  readonly startedAt: number
  readonly role: Promise<Role>
}

/** The latest login to a server, which stands for those that other members would make soon after it. */
export class SharedLogin {
  readonly #clock: Clock
  #latest: Login | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Logs in, unless another member has begun to less than `freshMs` ago. */
  async login(by: WatchMember, login: () => Promise<Role>, freshMs: number): Promise<Role> {
    const known = this.#latest
    if (known !== undefined && this.#clock.now() - known.startedAt < freshMs) {
      try {
        return await known.role
      } catch (error) {
        // It was given up, not refused; or it says nothing of other databases.
        const foreign = known.by.database !== by.database && by.isOfDatabase(error)
        if (known.by.attendant !== undefined && !foreign) throw error
      }
    }
    const role = login()
    this.#latest = { by, startedAt: this.#clock.now(), role }
    return role
  }
}
