import { setTimeout as delay } from 'node:timers/promises'

/** `CACHE_MIN_IDLE_TIME_NS` of InnoDB is 100 ms. */
const UNREAD_MS = 150

/**
 * To be awaited before each look at innodb_trx that waits for something to show there: a server renews what it shows only if
 * that was not read for a tenth of a second. Who looks more often sees what was there at the first look, and nothing else.
 */
export function transactionsRenewed(): Promise<void> {
  return delay(UNREAD_MS)
}
