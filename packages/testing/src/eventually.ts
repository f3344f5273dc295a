import { setTimeout as delay } from 'node:timers/promises'

/** Shorter than a test's timeout, so that a condition that never comes true is not asked for after its test. */
const LIMIT_MS = 30_000

/**
 * Looks again and again until a condition that comes true by itself holds. `failure` says what is wrong if it never does.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  failure: () => string = () => `not so: ${condition}`,
): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${failure()} within ${LIMIT_MS} ms`)
    await delay(5)
  }
}
