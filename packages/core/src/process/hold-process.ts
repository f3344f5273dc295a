import type { Clock } from '../time/clock.js'

/** Node fires timers that are longer than this at once. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Keeps the process running until `work` settles. What the engine does in the background does not keep it, so a caller who
 * awaits some of that would see the process end first.
 */
export async function holdProcess<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const timer = clock.setTimeout(() => {}, LONGEST_MS, true)
  try {
    return await work
  } finally {
    clock.clearTimeout(timer)
  }
}
