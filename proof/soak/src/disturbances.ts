import { setTimeout as pause } from 'node:timers/promises'
import type { PgConnectionManager } from '@connmgr/pg'
import type { Kills } from './kills.js'
import type { Random } from './random.js'
import type { Stalls } from './stalls.js'

/** What happens to a service from outside, each at its own random pace. */
export class Disturbances {
  readonly #stopping = new AbortController()
  readonly #running: readonly Promise<void>[]
  #resizes = 0
  #clears = 0

  constructor(manager: PgConnectionManager, kills: Kills, stalls: Stalls, random: Random) {
    this.#running = [
      this.#repeat(random.fork(), [100, 800], (own) => kills.killOne(own)),
      this.#repeat(random.fork(), [4000, 10_000], (own) => stalls.stall(own.between(300, 1500))),
      this.#repeat(random.fork(), [500, 3000], (own) => {
        // Never so few that leaks could hold them all for long.
        manager.resize({ poolSize: own.between(2, 5), maxOverflow: own.between(1, 5) })
        this.#resizes += 1
      }),
      this.#repeat(random.fork(), [2000, 8000], () => {
        manager.clear()
        this.#clears += 1
      }),
    ]
  }

  get resizes(): number {
    return this.#resizes
  }

  get clears(): number {
    return this.#clears
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #repeat(
    random: Random,
    [least, most]: readonly [number, number],
    act: (random: Random) => Promise<void> | void,
  ): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      await pause(random.between(least, most), undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      await act(random)
    }
  }
}
