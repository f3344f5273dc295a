import { every } from '../process/ticks.js'
import type { Clock } from '../time/clock.js'
import type { ConnectionPool } from './connection-pool.js'
import type { PoolOptions } from './options.js'

const SHORTEST_MS = 10
const LONGEST_MS = 1000

/**
 * Calls every pool's housekeeping often enough for the shortest of its times, while a pool needs it. One
 * timer for all pools of the process.
 */
export class Maintainer<C extends object> {
  readonly #pools: readonly ConnectionPool<C>[]
  readonly #clock: Clock
  readonly #intervalMs: number
  #started = false
  #rest: (() => void) | undefined

  constructor(
    pools: readonly ConnectionPool<C>[],
    options: PoolOptions<C>,
    leakThresholdMs: number,
    clock: Clock,
  ) {
    this.#pools = pools
    this.#clock = clock
    const shortest = Math.min(options.idleTimeoutMs, options.maxLifetimeMs, leakThresholdMs)
    this.#intervalMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, shortest / 4))
  }

  start(): void {
    this.#started = true
    this.wake()
  }

  stop(): void {
    this.#started = false
    this.#rest?.()
    this.#rest = undefined
  }

  /** A pool may need housekeeping. */
  wake(): void {
    if (this.#started) this.#rest ??= every(this.#clock, this.#intervalMs, () => this.#maintain())
  }

  #maintain(): void {
    let needed = false
    for (const pool of this.#pools) {
      pool.maintain()
      needed ||= pool.needsCare
    }
    // Of many managers most are idle.
    if (needed) return
    this.#rest?.()
    this.#rest = undefined
  }
}
