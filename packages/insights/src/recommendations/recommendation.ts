import type { CodePlace, StatementIdentity } from '../snapshot.js'

/** What a recommendation is about. The strings are stable. */
export type RecommendationCode =
  | 'pool-too-small'
  | 'pool-above-server'
  | 'leak'
  | 'long-holder'
  | 'idle-in-transaction'
  | 'held-idle'
  | 'n-plus-one'
  | 'missing-index'
  | 'unindexed-foreign-key'
  | 'invalid-index'
  | 'duplicate-index'
  | 'unprepared-statement'
  | 'values-in-text'
  | 'connection-churn'
  | 'idle-above-server-timeout'
  | 'idle-above-network-timeout'
  | 'lifetime-unlimited'
  | 'idle-in-transaction-unlimited'
  | 'idle-in-transaction-near-timeout'
  | 'pooler-session-state'
  | 'pooler-prepared-statements'
  | 'blocked-by'
  | 'plan-regression'
  | 'generic-plan'

/** How much a recommendation matters: `critical` costs errors or outages now, `warning` costs time, `info` may do so. */
export type RecommendationSeverity = 'info' | 'warning' | 'critical'

/** A verdict with what it rests on, and what to do. Plain data. */
export interface Recommendation {
  readonly code: RecommendationCode
  readonly severity: RecommendationSeverity
  /** The verdict, in one sentence. */
  readonly title: string
  /** The measurements that it rests on, each in a sentence. */
  readonly evidence: readonly string[]
  /** What to change. */
  readonly fix: string
  /** The line of code that it is about, if it is about one. */
  readonly site?: CodePlace
  /** The statement that it is about, if it is about one. */
  readonly statement?: StatementIdentity
  /** What it costs, in milliseconds of connections or callers; orders those of one severity. */
  readonly costMs: number
}
