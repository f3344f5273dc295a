import { setTimeout as delay } from 'node:timers/promises'

const LIMIT_MS = 30_000

/** Looks again and again until a condition of a server holds. `failure` says what is wrong if it never does. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  failure: () => string,
): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${failure()} within ${LIMIT_MS} ms`)
    await delay(5)
  }
}
