const FIRST_MS = 1000
const LONGEST_MS = 30_000
const MOST_DOUBLINGS = 10
/** A receiver that wants more patience than this gets no alerts at all. */
const LONGEST_ASKED_MS = 300_000

/**
 * The pause before the next attempt: 1 s, doubled by each failure up to 30 s, and between half of that and all of it, so
 * that many processes do not come back at once.
 *
 * @param failures in a row, from 1
 * @param random from 0 to 1
 * @param askedMs what the receiver asks for, at the least
 */
export function backoffMs(failures: number, random: number, askedMs = 0): number {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, MOST_DOUBLINGS))
  const pauseMs = fullMs / 2 + (fullMs / 2) * random
  return Math.max(pauseMs, Math.min(askedMs, LONGEST_ASKED_MS))
}
