import type { ConnectionManager, ManagerOptions } from '@connmgr/core'
import type { FailureClass } from './failure-class.js'
import type { LedgerServer } from './ledger.js'
import type { Load } from './load.js'
import type { FailoverResult } from './result.js'
import type { Screen } from './screen.js'
import type { Workload } from './workloads/workload.js'

/** Options that the manager of every stage has, so that its story takes seconds. */
export const MANAGER_OPTIONS = {
  name: 'demo',
  leakDetection: { thresholdMs: 800, captureStack: 'always' },
} as const satisfies ManagerOptions<never>

/** What the events of any manager are read from. */
export type AnyManager = Pick<
  ConnectionManager<object>,
  'close' | 'getFailoverStatus' | 'getHealthStatus' | 'getLeakStats' | 'getPoolMetrics' | 'on'
>

/** What a stage promises of its outage, in words. */
export interface Promises {
  readonly outage: string
  readonly writes: string
}

export const SERVER_PROMISES: Promises = {
  outage: 'the crash of the primary was detected',
  writes: 'each ORM wrote again after the promotion, on the same objects',
}

/** A database on which the demo tells its story. */
export interface Stage {
  /** What there is to see at first. */
  readonly heading: string
  /** Starts the servers, and gives what leads to them. */
  set(
    screen: Screen,
  ): Promise<{ readonly manager: AnyManager; readonly workloads: readonly Workload[] }>
  /** Whether all ORMs can leak at once: not where one connection is all there is. */
  readonly leaksAtOnce: boolean
  readonly outageHeading: string
  readonly promises: Promises
  /** Breaks the database while it is in use, and mends it. */
  breakAndMend(workloads: readonly Workload[], load: Load, screen: Screen): Promise<FailoverResult>
  /** What a failed write says of the write. `@default` as errors of PostgreSQL say it */
  failureOf?(error: unknown): FailureClass
  /** Tells what has been written. */
  readonly ledger: LedgerServer
  /** Ends everything. */
  clear(): Promise<void>
}

const LONGEST_WAIT_MS = 20_000

export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS
  while (!condition()) {
    // What has not happened by then shows in the result, and in the exit code.
    if (performance.now() > deadline) return
    await sleep(10)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Milliseconds, to a tenth. */
export function since(at: number, from: number): number {
  return Math.round((at - from) * 10) / 10
}

/** When each ORM had its first write acknowledged after a moment. */
export function firstWrites(
  workloads: readonly Workload[],
  load: Load,
  after: number,
): FailoverResult['firstWriteAfterPromotionMs'] {
  return Object.fromEntries(
    workloads.map(({ orm }) => {
      const at = load.firstAfter(orm, after)
      return [orm, at === undefined ? null : since(at, after)]
    }),
  )
}
