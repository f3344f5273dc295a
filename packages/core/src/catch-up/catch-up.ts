import type { Driver } from '../driver/contract.js'
import type { Place, Replication } from '../driver/replication.js'
import type { Runtime } from '../runtime.js'
import { attempt, bounded } from '../time/bounded.js'

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 20

/**
 * Waits for standbys, each over the very connection that is to be read on: one name may lead to several servers, so
 * what is known of one connection holds for no other.
 */
export class CatchUp<C extends object> {
  readonly #driver: Driver<C>
  readonly #runtime: Runtime
  /** How far the server of a connection was seen to be; it never goes back while the connection lives. */
  readonly #seen = new WeakMap<C, Place>()

  constructor(runtime: Runtime, driver: Driver<C>) {
    this.#driver = driver
    this.#runtime = runtime
  }

  get supported(): boolean {
    return this.#driver.replication !== undefined
  }

  /** How far the server of a connection was when it was last asked. */
  seen(connection: C): Place | undefined {
    return this.#seen.get(connection)
  }

  /**
   * Whether the server of this connection has what is needed by `until`, on the clock. False also if it is no standby
   * any more, or is known to be of an older history than what is needed. Rejects if the connection fails, or does not
   * answer in time.
   *
   * @param needed what is needed now; undefined while that is not known
   * @param signal makes it stop early
   */
  async reaches(
    connection: C,
    needed: () => readonly Place[] | undefined,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    let seen = this.seen(connection)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const wanted = needed()
      if (wanted !== undefined) {
        if (seen === undefined || !this.has(seen, wanted)) seen = await this.#ask(connection, until)
        if (seen === undefined || this.isElsewhere(seen, wanted)) return false
        if (this.has(seen, wanted)) return true
      }
      if (signal?.aborted === true || this.#runtime.clock.now() >= until) return false
      await this.pause(until, pauseMs)
    }
  }

  /** Whether a server that was seen there is known to be of an older history than what is wanted. */
  isElsewhere({ history }: Place, wanted: readonly Place[]): boolean {
    const { replication } = this.#driver
    return wanted.some(
      (each) =>
        replication !== undefined &&
        history !== undefined &&
        each.history !== undefined &&
        replication.order(history, each.history) === 'older',
    )
  }

  has(seen: Place, wanted: readonly Place[]): boolean {
    const { replication } = this.#driver
    return (
      replication !== undefined &&
      !this.isElsewhere(seen, wanted) &&
      wanted.every((each) => covers(replication, seen, each))
    )
  }

  /** Lets a little time pass, but not beyond `until`. */
  pause(until: number, pauseMs = LONGEST_PAUSE_MS): Promise<void> {
    const leftMs = until - this.#runtime.clock.now()
    return new Promise((resolve) => {
      this.#runtime.clock.setTimeout(resolve, Math.max(0, Math.min(pauseMs, leftMs)), true)
    })
  }

  async #ask(connection: C, until: number): Promise<Place | undefined> {
    const timeoutMs = Math.max(1, Math.ceil(until - this.#runtime.clock.now()))
    const place = await bounded(
      this.#runtime.deadlines,
      timeoutMs,
      attempt(() => this.#driver.replication?.readPlace(connection)),
      () => new Error(`the server did not say within ${timeoutMs} ms how far it is`),
    )
    if (place !== undefined) this.#seen.set(connection, place)
    return place
  }
}

/** Whether a server has all that was written at a place. What does not say where it is has nothing for certain. */
function covers<C extends object>(
  replication: Replication<C>,
  seen: Place,
  wanted: Place,
): boolean {
  const { position } = seen
  const written = wanted.position
  return position !== undefined && written !== undefined && replication.covers(position, written)
}
