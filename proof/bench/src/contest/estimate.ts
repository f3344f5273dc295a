import { median } from '../measure.js'

/** A value with the interval in which it lies at 95 %. */
export interface Estimate {
  readonly value: number
  readonly from: number
  readonly to: number
}

const RESAMPLES = 1000
/** A ratio whose bound of noise is wider than this share of it is no figure. */
const MOST_NOISE = 0.15

/**
 * The median of all values, and the middle 95 % of the medians of values that are drawn from these: as many groups as there
 * are, and of each as many values as it has.
 *
 * @param groups values that have something in common, such as the processes in which they were measured
 */
export function estimate(groups: readonly (readonly number[])[]): Estimate {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(
      groups.flatMap(() => {
        const group = drawnFrom(groups)
        return group.map(() => drawnFrom(group))
      }),
    ),
  ).sort((a, b) => a - b)
  return {
    value: median(groups.flat()),
    from: medians[Math.floor(0.025 * RESAMPLES)] as number,
    to: medians[Math.ceil(0.975 * RESAMPLES) - 1] as number,
  }
}

/** Half of the interval. */
function noiseOf({ from, to }: Estimate): number {
  return (to - from) / 2
}

export function isTooNoisy(ratio: Estimate): boolean {
  return noiseOf(ratio) / ratio.value > MOST_NOISE
}

/** A ratio with its bound of noise; where that is wide, the bound alone. */
export function ratioWithNoise(ratio: Estimate): string {
  const bound = `±${noiseOf(ratio).toFixed(2)}`
  return isTooNoisy(ratio) ? `too noisy (${bound})` : `${ratio.value.toFixed(2)} ${bound}`
}

function drawnFrom<T>(values: readonly T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T
}
