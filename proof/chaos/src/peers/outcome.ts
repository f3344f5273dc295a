import type { ServerNode } from '../server-node.js'
import type { FaultMoments } from './fault.js'
import type { Write } from './peer-process.js'

/** The end of a run in which a client shows whether it has recovered. */
export const FINAL_MS = 3000
/** Of the writes that are due then, this part must succeed. */
const ENOUGH = 0.8 * 50 * (FINAL_MS / 1000)

/** What became of a client in one run. */
export interface Outcome {
  /** Longest time between two writes that succeeded and are there; Infinity if the client never recovered. */
  readonly gapMs: number
  /** From when a server could take writes again to the next write that succeeded; Infinity if there was none. */
  readonly firstWriteMs: number
  /** Writes that failed for the caller, whatever was true. */
  readonly failed: number
  /** Writes of which the caller knows that it does not know: answered so, never answered, or in flight in a crash. */
  readonly unknown: number
  /** Among `failed`, those that are there all the same: to repeat them would double them. */
  readonly failedButWritten: number
  /** Writes that were never answered. */
  readonly hanging: number
  readonly crashes: 0 | 1
  /** `partly`: at the end some writes still failed. */
  readonly recovered: 'yes' | 'partly' | 'no'
  /** Acknowledged, and not there. */
  readonly lost: number
  /** There more than once. */
  readonly duplicated: number
  /** How often each error was seen. */
  readonly errors: Readonly<Record<string, number>>
}

/** True when everything has gone well for a while. */
export function isCalm(writes: readonly Write[], at: number): boolean {
  const { succeeded, rejected } = within(writes, at - FINAL_MS, at)
  return rejected === 0 && succeeded >= ENOUGH
}

/** Compares the answers that a client got with what the server holds. */
export async function judge(
  server: Pick<ServerNode, 'query'>,
  run: {
    readonly writes: readonly Write[]
    readonly moments: FaultMoments
    readonly endedAt: number
    readonly crashed: boolean
  },
): Promise<Outcome> {
  const copies = await copiesOn(server)
  const { writes, moments, endedAt, crashed } = run
  const acknowledged = writes.filter(isAcknowledged)
  const kept = acknowledged.filter(({ id }) => copies.has(id))
  const rejected = writes.filter(({ rejection }) => rejection !== undefined)
  const failed = rejected.filter(({ rejection }) => rejection?.reportedUnknown !== true)
  const hanging = writes.filter(({ settledAt }) => settledAt === undefined)
  const recovered = crashed ? 'no' : recoveryOf([...kept, ...rejected], moments, endedAt)
  return {
    gapMs: recovered === 'no' ? Number.POSITIVE_INFINITY : longestGap(kept, moments.from),
    firstWriteMs:
      recovered === 'no' ? Number.POSITIVE_INFINITY : firstAfter(kept, moments.writableAt),
    failed: failed.length,
    unknown: rejected.length - failed.length + hanging.length,
    failedButWritten: failed.filter(({ id }) => copies.has(id)).length,
    hanging: crashed ? 0 : hanging.length,
    crashes: crashed ? 1 : 0,
    recovered,
    lost: acknowledged.length - kept.length,
    duplicated: [...copies.values()].filter((count) => count > 1).length,
    errors: countErrors(rejected),
  }
}

async function copiesOn(server: Pick<ServerNode, 'query'>): Promise<Map<string, number>> {
  const rows = await server.query<{ id: string; copies: number | string }>(
    'select id, count(*) as copies from ledger group by id',
  )
  return new Map(rows.map(({ id, copies }) => [id, Number(copies)]))
}

function isAcknowledged({ settledAt, rejection }: Write): boolean {
  return settledAt !== undefined && rejection === undefined
}

function recoveryOf(
  writes: readonly Write[],
  { writableAt }: FaultMoments,
  endedAt: number,
): Outcome['recovered'] {
  const { succeeded, rejected } = within(writes, Math.max(writableAt, endedAt - FINAL_MS), endedAt)
  if (succeeded === 0) return 'no'
  return rejected === 0 && succeeded >= ENOUGH ? 'yes' : 'partly'
}

function within(
  writes: readonly Write[],
  from: number,
  to: number,
): { succeeded: number; rejected: number } {
  let succeeded = 0
  let rejected = 0
  for (const { settledAt, rejection } of writes) {
    if (settledAt === undefined || settledAt < from || settledAt > to) continue
    if (rejection === undefined) succeeded += 1
    else rejected += 1
  }
  return { succeeded, rejected }
}

function longestGap(kept: readonly Write[], from: number): number {
  const moments = kept.map(({ settledAt }) => settledAt ?? 0).sort((one, other) => one - other)
  let longest = 0
  let last: number | undefined
  for (const at of moments) {
    if (last !== undefined && at > from) longest = Math.max(longest, at - last)
    last = at
  }
  return longest
}

function firstAfter(kept: readonly Write[], at: number): number {
  const later = kept.map(({ settledAt }) => settledAt ?? 0).filter((settledAt) => settledAt >= at)
  return Math.min(...later) - at
}

function countErrors(rejected: readonly Write[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { rejection } of rejected) {
    if (rejection === undefined) continue
    const name = rejection.code === 'none' ? rejection.message : rejection.code
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
