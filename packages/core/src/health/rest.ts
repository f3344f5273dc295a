import { every } from '../process/ticks.js'
import type { Runtime } from '../runtime.js'

const LONGEST_TICK_MS = 1000
const SHORTEST_TICK_MS = 10

/** When a manager may rest. */
export interface RestConditions {
  /** Infinity for never. */
  readonly restAfterMs: number
  /** Rises with every use. */
  readonly uses: () => number
  /** Whether a connection is in use now, or a server is in trouble. */
  readonly isBusy: () => boolean
  readonly onRest: () => void
}

/** Pauses health monitoring after a time without use, until the next acquire. */
export class Rest {
  readonly #runtime: Runtime
  readonly #conditions: RestConditions
  #resting = false
  #uses = 0
  #unusedSince = 0
  #stop: (() => void) | undefined

  constructor(runtime: Runtime, conditions: RestConditions) {
    this.#runtime = runtime
    this.#conditions = conditions
  }

  get resting(): boolean {
    return this.#resting
  }

  start(): void {
    const { restAfterMs } = this.#conditions
    const { clock } = this.#runtime
    if (this.#stop !== undefined || !Number.isFinite(restAfterMs)) return
    this.#unusedSince = clock.now()
    const tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, restAfterMs / 4))
    this.#stop = every(clock, tickMs, () => this.#look())
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#resting = false
  }

  /** Notes a use. Returns true if that ends a pause. */
  end(): boolean {
    const rested = this.#resting
    this.#resting = false
    this.#unusedSince = this.#runtime.clock.now()
    return rested
  }

  #look(): void {
    const { isBusy, onRest, restAfterMs, uses } = this.#conditions
    const { clock } = this.#runtime
    if (this.#resting) return
    const used = uses()
    if (isBusy() || used !== this.#uses) {
      this.#uses = used
      this.#unusedSince = clock.now()
    } else if (clock.now() - this.#unusedSince >= restAfterMs) {
      this.#resting = true
      onRest()
    }
  }
}
