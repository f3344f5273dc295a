/** A time takes a byte: each step is 8 % above the one before, from a microsecond to some five minutes. */
const LEAST_MS = 0.001
const STEP = Math.log(1.08)
const MOST = 255

/** The step of a time. */
export function stepOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0
  return Math.min(MOST, Math.round(Math.log(ms / LEAST_MS) / STEP))
}

/** The time of a step, which may lie between two. */
export function msOf(step: number): number {
  return LEAST_MS * Math.exp(step * STEP)
}

/** How many steps lie between a time and its multiple. */
export function stepsTo(multiple: number): number {
  return Math.log(multiple) / STEP
}
