import type { Clock, TimerHandle } from '../time/clock.js'
import { sharedBy } from './registry.js'

/** Two or three managers of one database may each have a purpose of their own. */
const MANY = 4
/** Those that are closed again within this time are not counted: scripts and tests make many at once. */
const SETTLED_AFTER_MS = 1000

/** The managers of this process that are open and lead to one database as one user. */
interface Family {
  open: number
  reported: boolean
}

let counting = true

/** Managers made by `make` are not counted: there are meant to be many. */
export function uncounted<T>(make: () => T): T {
  const before = counting
  counting = false
  try {
    return make()
  } finally {
    counting = before
  }
}

/**
 * One manager's part in the count of those that lead to the same database as the same user. Each has a pool and so
 * connections of its own: what a module that is loaded again and again makes, or a handler of requests.
 */
export class Siblings {
  readonly #clock: Clock
  readonly #key: string
  readonly #tell: (managers: number) => void
  readonly #counted = counting
  #family: Family | undefined
  #timer: TimerHandle | undefined

  /**
   * @param place what is the same for all of them, and no secret
   * @param tell called once for all of them, by the latest
   */
  constructor(clock: Clock, place: readonly string[], tell: (managers: number) => void) {
    this.#clock = clock
    this.#key = JSON.stringify(place)
    this.#tell = tell
  }

  join(): void {
    if (!this.#counted || this.#family !== undefined) return
    const families = sharedBy<Family>('siblings', this.#clock)
    const family = families.get(this.#key) ?? { open: 0, reported: false }
    families.set(this.#key, family)
    family.open += 1
    this.#family = family
    if (family.open < MANY || family.reported) return
    this.#timer = this.#clock.setTimeout(() => {
      if (family.open < MANY || family.reported) return
      family.reported = true
      this.#tell(family.open)
    }, SETTLED_AFTER_MS)
  }

  leave(): void {
    const family = this.#family
    if (family === undefined) return
    this.#family = undefined
    this.#clock.clearTimeout(this.#timer)
    family.open -= 1
    if (family.open === 0) sharedBy<Family>('siblings', this.#clock).delete(this.#key)
  }
}
