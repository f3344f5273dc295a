import type { Clock, TimerHandle } from '../clock.js'
import type { ConnectionPool } from './connection-pool.js'
import type { PoolOptions } from './options.js'

const SHORTEST_MS = 10
const LONGEST_MS = 1000

/** Calls every pool's housekeeping often enough for the shortest of its times. One timer for all pools. */
export class Maintainer<C extends object> {
  readonly #pools: readonly ConnectionPool<C>[]
  readonly #clock: Clock
  readonly #intervalMs: number
  #timer: TimerHandle | undefined

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
    if (this.#timer === undefined) this.#arm()
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#arm()
      for (const pool of this.#pools) pool.maintain()
    }, this.#intervalMs)
  }
}
