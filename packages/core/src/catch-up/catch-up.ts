import type { Driver, ReplayPosition } from '../driver/contract.js'
import { attempt, bounded } from '../time/bounded.js'
import type { Clock } from '../time/clock.js'
import type { Deadlines } from '../time/deadlines.js'

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 20

/**
 * Waits for standbys, each over the very connection that is to be read on: one name may lead to several servers, so
 * what is known of one connection holds for no other.
 */
export class CatchUp<C extends object> {
  readonly #driver: Driver<C>
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  /** How far the server of a connection was seen to be; it never goes back while the connection lives. */
  readonly #seen = new WeakMap<C, ReplayPosition>()

  constructor(driver: Driver<C>, clock: Clock, deadlines: Deadlines) {
    this.#driver = driver
    this.#clock = clock
    this.#deadlines = deadlines
  }

  get supported(): boolean {
    return this.#driver.replayPosition !== undefined
  }

  /** How far the server of a connection was when it was last asked. */
  seen(connection: C): ReplayPosition | undefined {
    return this.#seen.get(connection)
  }

  /**
   * Whether the server of this connection has what is needed by `until`, on the clock. False also if it is no standby
   * any more, or is not known to follow the timeline on which that was written. Rejects if the connection fails, or does
   * not answer in time.
   *
   * @param needed what is needed now; undefined while nobody can tell
   * @param signal makes it stop early
   */
  async reaches(
    connection: C,
    needed: () => ReplayPosition | undefined,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    let seen = this.seen(connection)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const wanted = needed()
      if (wanted !== undefined) {
        if (seen === undefined || !has(seen, wanted)) seen = await this.#ask(connection, until)
        if (seen === undefined || isElsewhere(seen, wanted)) return false
        if (has(seen, wanted)) return true
      }
      if (signal?.aborted === true || this.#clock.now() >= until) return false
      await this.pause(until, pauseMs)
    }
  }

  /** Lets a little time pass, but not beyond `until`. */
  pause(until: number, pauseMs = LONGEST_PAUSE_MS): Promise<void> {
    const leftMs = until - this.#clock.now()
    return new Promise((resolve) => {
      this.#clock.setTimeout(resolve, Math.max(0, Math.min(pauseMs, leftMs)), true)
    })
  }

  async #ask(connection: C, until: number): Promise<ReplayPosition | undefined> {
    const timeoutMs = Math.max(1, Math.ceil(until - this.#clock.now()))
    const position = await bounded(
      this.#deadlines,
      timeoutMs,
      attempt(() => this.#driver.replayPosition?.(connection)),
      () => new Error(`the server did not say within ${timeoutMs} ms how far it is`),
    )
    if (position !== undefined) this.#seen.set(connection, position)
    return position
  }
}

/** Whether a server that was seen there is not known to have come to the timeline of what is wanted. */
export function isElsewhere(seen: Partial<ReplayPosition>, wanted: ReplayPosition): boolean {
  return (seen.timeline ?? Number.POSITIVE_INFINITY) < (wanted.timeline ?? 0)
}

function has(seen: ReplayPosition, wanted: ReplayPosition): boolean {
  return !isElsewhere(seen, wanted) && seen.position >= wanted.position
}
