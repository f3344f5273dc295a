import type { HealthStatus } from '@connmgr/core'
import type { LedgerResult } from '@connmgr/testing'
import type { PageResult } from './page-watch.js'

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
  /** With `--ui --json`: what a browser saw of the live page. */
  readonly page?: PageResult
}
