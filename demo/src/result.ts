import type { HealthStatus } from '@connmgr/core'
import type { LedgerResult } from './ledger.js'

/** A leak as it was reported. */
export interface LeakResult {
  readonly orm: string
  readonly file: string
  readonly line: number
  readonly function: string
  readonly heldForMs: number
}

export interface FailoverResult {
  /** Wall-clock time of the crash. */
  readonly crashAt: string
  /** From the crash until the manager had given the server up. */
  readonly detectedAfterMs: number
  /** From the crash until the standby took writes. */
  readonly promotedAfterMs: number
  readonly firstWriteAfterPromotionMs: Readonly<Record<string, number | null>>
  /** From the crash until the old primary was streaming again, as a standby. */
  readonly rebuiltAfterMs: number
}

/** What `npm run demo -- --json` prints. */
export interface DemoResult {
  readonly orms: readonly string[]
  readonly leaks: readonly LeakResult[]
  readonly failover: FailoverResult
  readonly ledger: LedgerResult
  readonly reads: { readonly done: number; readonly failed: number }
  readonly processCrashes: number
  readonly status: HealthStatus
}

/** What is wrong with a result; nothing if the demo showed what it promises. */
export function problemsOf(result: DemoResult, ownFolder: string): string[] {
  const problems: string[] = []
  for (const orm of result.orms) {
    const leak = result.leaks.find((each) => each.orm === orm)
    if (leak === undefined) problems.push(`no leak was reported through ${orm}`)
    else if (!leak.file.startsWith(ownFolder))
      problems.push(`the leak through ${orm} was blamed on ${leak.file}`)
    if (result.failover.firstWriteAfterPromotionMs[orm] == null)
      problems.push(`${orm} did not write after the failover`)
  }
  if (result.ledger.lost > 0) problems.push(`${result.ledger.lost} acknowledged writes were lost`)
  if (result.ledger.duplicated > 0)
    problems.push(`${result.ledger.duplicated} writes were duplicated`)
  if (result.processCrashes > 0)
    problems.push(`the process would have crashed ${result.processCrashes} times`)
  return problems
}
