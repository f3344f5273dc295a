import type { DemandHistogram } from '../vocabulary/histogram.js'

const FEW_LEVELS = 16
/** More than this counts as this. */
const MOST_LEVELS = 1024

/** Measures for how long so many connections were wanted at once. Some nanoseconds per change. */
export class DemandMeter {
  readonly #all: DemandMeter | undefined
  #level = 0
  #since: number
  #ms = new Float64Array(FEW_LEVELS)

  /** @param all a meter of which this is a part: its level changes with this one's */
  constructor(now: number, all?: DemandMeter) {
    this.#since = now
    this.#all = all
  }

  /** @param by connections that are wanted from now on, or no more */
  change(by: number, now: number): void {
    this.#account(now)
    this.#level += by
    this.#all?.change(by, now)
  }

  snapshot(now: number): DemandHistogram {
    this.#account(now)
    const levels: { connections: number; ms: number }[] = []
    let totalMs = 0
    this.#ms.forEach((ms, connections) => {
      if (ms > 0) levels.push({ connections, ms })
      totalMs += ms
    })
    return { totalMs, levels }
  }

  #account(now: number): void {
    const elapsedMs = now - this.#since
    // Callers may have read the clock a moment ago.
    if (elapsedMs <= 0) return
    this.#since = now
    const level = this.#level
    const times = this.#ms
    if (level < times.length) times[level] = (times[level] as number) + elapsedMs
    else this.#lengthen(level, elapsedMs)
  }

  #lengthen(level: number, ms: number): void {
    const index = Math.min(level, MOST_LEVELS - 1)
    if (index >= this.#ms.length) {
      const larger = new Float64Array(Math.min(MOST_LEVELS, 2 ** Math.ceil(Math.log2(index + 1))))
      larger.set(this.#ms)
      this.#ms = larger
    }
    this.#ms[index] = (this.#ms[index] as number) + ms
  }
}
