import type { PoolEntry } from './entry.js'

/** Whether the server has sent anything on one of these connections since they were looked at last. */
export function receivedAny<C extends object>(entries: Iterable<PoolEntry<C>>): boolean {
  let any = false
  for (const entry of entries) {
    const received = entry.activity?.received ?? 0
    if (received === entry.received) continue
    entry.received = received
    any = true
  }
  return any
}

/** Connections on which one statement has been running since then, as far as was seen. */
export function overdueOf<C extends object>(
  entries: Iterable<PoolEntry<C>>,
  since: number,
  now: number,
): PoolEntry<C>[] {
  const overdue: PoolEntry<C>[] = []
  for (const entry of entries) {
    const running = entry.activity?.running
    if (running !== entry.running) {
      entry.running = running
      entry.runningSince = now
    } else if (running !== undefined && entry.runningSince <= since) overdue.push(entry)
  }
  return overdue
}
