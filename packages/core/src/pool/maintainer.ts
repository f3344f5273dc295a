import type { Clock } from '../clock.js'
import { every } from '../process/ticks.js'
import type { ConnectionPool } from './connection-pool.js'
import type { PoolOptions } from './options.js'

const SHORTEST_MS = 10
const LONGEST_MS = 1000

/** Calls every pool's housekeeping often enough for the shortest of its times. One timer for all pools of the process. */
export class Maintainer<C extends object> {
  readonly #pools: readonly ConnectionPool<C>[]
  readonly #clock: Clock
  readonly #intervalMs: number
  #stop: (() => void) | undefined

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
    this.#stop ??= every(this.#clock, this.#intervalMs, () => {
      for (const pool of this.#pools) pool.maintain()
    })
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }
}
