import type {
  DemandHistogram,
  FailoverStatus,
  HealthStatus,
  Histogram,
  LeaseReport,
  PoolHistograms,
  PoolMetrics,
  PoolSettings,
} from '@connmgr/core'
import type { InsightsSnapshot } from '../snapshot.js'
import type { AlertSeverity } from './alert.js'

/** What alerts read of a manager. Every `ConnectionManager` is one. */
export interface WatchedManager {
  readonly name: string
  readonly closed: boolean
  getPoolMetrics(): PoolMetrics
  getPoolSettings(): PoolSettings
  getHistograms(): PoolHistograms
  getHolders(): LeaseReport[]
  detectLeaks(): LeaseReport[]
  getFailoverStatus(): FailoverStatus
  getHealthStatus(): HealthStatus
}

/** What gives a snapshot of insights: the object that `insights(manager)` returns. */
export interface InsightsSource {
  /** Whose they are; without it the name of the pool in the snapshot tells. */
  readonly manager?: object
  snapshot(): InsightsSnapshot
}

/** Statements of one fingerprint in a window. */
export interface StatementWindow {
  readonly fingerprint: string
  readonly text: string
  readonly calls: number
  readonly errors: number
  readonly meanRunMs: number
  readonly meanWaitMs: number
}

/** What happened in the time before an evaluation. */
export interface RuleWindow {
  /** How long it is; less than was asked for while alerts have not watched for that long. */
  readonly durationMs: number
  readonly checkouts: number
  readonly failedCheckouts: number
  /** From acquire to lending, of successful acquires: `histogramQuantile(window.wait, 0.99)`. */
  readonly wait: Histogram
  /** For how long so many connections were wanted at once: `demandShare(window.demand, 10)`. */
  readonly demand: DemandHistogram
  /** For how long so many callers waited at once. */
  readonly unmetDemand: DemandHistogram
  /** By run time, longest in total first; empty without insights. */
  readonly statements: readonly StatementWindow[]
  /** Statements in all; 0 without insights. */
  readonly calls: number
  /** Statements that failed; 0 without insights. */
  readonly errors: number
}

/** What a rule decides by. Everything in it is read when it is first asked for, at most once an evaluation. */
export interface RuleContext {
  readonly manager: WatchedManager
  /** The manager's name. */
  readonly pool: string
  readonly metrics: PoolMetrics
  readonly settings: PoolSettings
  readonly health: HealthStatus
  readonly failover: FailoverStatus
  /** Leases over the leak threshold, longest first. */
  readonly leaks: readonly LeaseReport[]
  /** Undefined without insights of this manager. */
  readonly insights: InsightsSnapshot | undefined
  /** What happened in the latest `windowMs`, at most 10 minutes; undefined at the first evaluation. */
  readonly over: (windowMs: number) => RuleWindow | undefined
  /**
   * What happened since the evaluation before this one; undefined at the first. A rule that looks at the state of the moment
   * instead may see the same work at each evaluation, if that comes in the same rhythm.
   */
  readonly sinceLast: RuleWindow | undefined
}

/** One thing that a rule has found. A rule that finds several has an alert for each. */
export interface Finding {
  /** What is wrong, in one sentence; may hold numbers that change. */
  readonly summary: string
  /** Tells the findings of one rule apart: no values that change while it is the same. */
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly value?: number
}

/** What a rule says: nothing, or `false`, if all is well; `true`, or what it has found, if not. */
export type RuleOutcome = boolean | undefined | null | Finding | readonly Finding[]

/** When to alert. */
export interface AlertRule {
  /** The label `alertname`. */
  readonly name: string
  /**
   * Decides at each evaluation. It must be quick, and is not awaited. While it throws, its alerts stay as they are.
   */
  readonly when: (context: RuleContext) => RuleOutcome
  /** `@default` 'warning' */
  readonly severity?: AlertSeverity
  /** How long it must hold, at every evaluation, before it fires. `@default` 0 */
  readonly forMs?: number
  /** How long it must be gone before it is resolved. `@default` 0 */
  readonly keepFiringForMs?: number
  /** Added to the labels of its alerts. */
  readonly labels?: Readonly<Record<string, string>>
  /** Added to the annotations of its alerts: `runbook_url`, for example. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** What the ready rules let their user choose. */
export type RuleOverrides = Partial<Omit<AlertRule, 'when'>>
