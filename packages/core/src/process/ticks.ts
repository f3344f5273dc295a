import type { Clock, TimerHandle } from '../time/clock.js'

/** The callbacks of one interval, which one timer calls. */
class Tick {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #callbacks = new Set<{ readonly call: () => void }>()
  #timer: TimerHandle | undefined

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  add(call: () => void): () => void {
    const each = { call }
    this.#callbacks.add(each)
    if (this.#timer === undefined) this.#arm()
    return () => {
      this.#callbacks.delete(each)
      if (this.#callbacks.size > 0) return
      this.#clock.clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#arm()
      for (const each of this.#callbacks) each.call()
    }, this.#intervalMs)
  }
}

const ticks = new WeakMap<Clock, Map<number, Tick>>()

/**
 * Calls `callback` at an interval, with one timer for all that have the same: many managers that are idle cost little. The
 * first call may come sooner. It keeps no process alive.
 *
 * @returns the function that ends it
 */
export function every(clock: Clock, intervalMs: number, callback: () => void): () => void {
  let byInterval = ticks.get(clock)
  if (byInterval === undefined) {
    byInterval = new Map()
    ticks.set(clock, byInterval)
  }
  let tick = byInterval.get(intervalMs)
  if (tick === undefined) {
    tick = new Tick(clock, intervalMs)
    byInterval.set(intervalMs, tick)
  }
  return tick.add(callback)
}
