import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 5

/** How long this process itself has not run, at the worst. */
export class Stalls {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  constructor() {
    this.#delays.enable()
  }

  /** What was before does not count: starting servers takes its time. */
  reset(): void {
    this.#delays.reset()
  }

  get longestMs(): number {
    return this.#delays.max / 1e6
  }

  stop(): void {
    this.#delays.disable()
  }
}
