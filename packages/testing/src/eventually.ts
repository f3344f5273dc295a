import { setTimeout as delay } from 'node:timers/promises'
import { patient } from './patience.js'

/** Shorter than a test's timeout, so that a condition that never comes true is not asked for after its test. */
const LIMIT_MS = 30_000

/**
 * Looks again and again until a condition that comes true by itself holds. `failure` says what is wrong if it never does.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  failure: () => string = () => `not so: ${condition}`,
): Promise<void> {
  const startedAt = performance.now()
  while (!(await condition())) {
    // Asked for each time: the machine may have become busy meanwhile.
    const limitMs = patient(LIMIT_MS)
    if (performance.now() - startedAt > limitMs) {
      throw new Error(`${failure()} within ${limitMs} ms`)
    }
    await delay(5)
  }
}
