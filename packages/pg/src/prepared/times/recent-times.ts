import { msOf } from './log-scale.js'

/** How long runs of a kind took. */
export interface RunTimes {
  /** Runs whose time was taken. The figures are of the latest of these, 96 at most. */
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
}

/** The latest times of one kind, a byte each. */
export class RecentTimes {
  readonly #steps: Uint8Array
  #count = 0

  constructor(most: number) {
    this.#steps = new Uint8Array(most)
  }

  /** Times that were added, ever. */
  get count(): number {
    return this.#count
  }

  /** Those that are kept, as steps of the scale of logarithms, in no order. */
  get steps(): Uint8Array {
    return this.#steps.subarray(0, Math.min(this.#count, this.#steps.length))
  }

  get times(): RunTimes {
    return { ...timesOf(this.steps), count: this.#count }
  }

  /** The step below which a part of those that are kept lies; 0 without any. */
  quantile(part: number): number {
    return quantileOf(this.steps, part)
  }

  add(step: number): void {
    this.#steps[this.#count % this.#steps.length] = step
    this.#count += 1
  }
}

/** What times come to that are given as steps. */
export function timesOf(steps: Uint8Array): RunTimes {
  if (steps.length === 0) return { count: 0, meanMs: 0, p50Ms: 0 }
  const sum = steps.reduce((total, step) => total + msOf(step), 0)
  return {
    count: steps.length,
    meanMs: sum / steps.length,
    p50Ms: msOf(quantileOf(steps, 0.5)),
  }
}

function quantileOf(steps: Uint8Array, part: number): number {
  return steps.slice().sort()[Math.floor(part * steps.length)] ?? 0
}
