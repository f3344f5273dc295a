import type { DemandHistogram, Histogram, PoolMetrics } from '@connmgr/core'
import type { InsightsSnapshot } from '../../snapshot.js'
import type { RuleWindow, StatementWindow } from '../rule.js'
import { demandGrowth, histogramGrowth } from './histogram-growth.js'

/** The longest window that a rule may ask for. */
const LONGEST_WINDOW_MS = 600_000
/** Samples that are kept; what is between them is the error of a window's length. */
const MOST_SAMPLES = 40
const SPACING_MS = LONGEST_WINDOW_MS / MOST_SAMPLES

/** Sums of all times, as they were at one moment. */
interface Sample {
  readonly atMs: number
  readonly checkouts: number
  readonly failedCheckouts: number
  readonly wait: Histogram
  readonly demand: DemandHistogram
  readonly unmetDemand: DemandHistogram
  readonly statements: ReadonlyMap<string, StatementSum>
  readonly calls: number
  readonly errors: number
}

/** What a manager has measured. */
export interface Measured {
  readonly metrics: PoolMetrics
  /** Of all successful acquires. */
  readonly wait: Histogram
  readonly demand: DemandHistogram
  readonly unmetDemand: DemandHistogram
}

interface StatementSum {
  readonly text: string
  readonly calls: number
  readonly errors: number
  readonly runMs: number
  readonly waitMs: number
}

/** Remembers sums, so that rules can ask what has happened in the latest minutes rather than since the start. */
export class Samples {
  readonly #kept: Sample[] = []
  #before: Sample | undefined
  #now: Sample | undefined

  /** Takes what is known now. To be called once an evaluation. */
  take(atMs: number, measured: Measured, insights: InsightsSnapshot | undefined): void {
    const before = this.#now
    const last = this.#kept.at(-1)
    if (before !== undefined && (last === undefined || before.atMs - last.atMs >= SPACING_MS)) {
      this.#kept.push(before)
      while (atMs - (this.#kept[0] as Sample).atMs > LONGEST_WINDOW_MS && this.#kept.length > 1)
        this.#kept.shift()
    }
    this.#before = before
    this.#now = sampleOf(atMs, measured, insights)
  }

  /** What has happened since the sample before the latest. */
  get sinceLast(): RuleWindow | undefined {
    const [before, now] = [this.#before, this.#now]
    return before === undefined || now === undefined ? undefined : between(before, now)
  }

  /** What has happened since the latest sample that is `windowMs` old, or else the oldest. */
  over(windowMs: number): RuleWindow | undefined {
    const now = this.#now
    if (now === undefined) return undefined
    const from = this.#kept.findLast(({ atMs }) => now.atMs - atMs >= windowMs) ?? this.#kept[0]
    return from === undefined ? undefined : between(from, now)
  }
}

function sampleOf(
  atMs: number,
  { demand, metrics, unmetDemand, wait }: Measured,
  insights: InsightsSnapshot | undefined,
): Sample {
  const statements = new Map<string, StatementSum>()
  for (const { calls, errors, fingerprint, run, text, wait } of insights?.statements ?? []) {
    const known = statements.get(fingerprint)
    statements.set(fingerprint, {
      text,
      calls: (known?.calls ?? 0) + calls,
      errors: (known?.errors ?? 0) + errors,
      runMs: (known?.runMs ?? 0) + run.totalMs,
      waitMs: (known?.waitMs ?? 0) + wait.totalMs,
    })
  }
  return {
    atMs,
    checkouts: metrics.totalCheckouts,
    failedCheckouts: metrics.failedCheckouts,
    wait,
    demand,
    unmetDemand,
    statements,
    calls: insights?.totals.statements ?? 0,
    errors: insights?.totals.errors ?? 0,
  }
}

function between(from: Sample, to: Sample): RuleWindow {
  // Sums that have become smaller were set back: what they are now has come about since.
  const grown = (before: number, after: number): number => (after < before ? after : after - before)
  const statements: (StatementWindow & { readonly runMs: number })[] = []
  for (const [fingerprint, after] of to.statements) {
    const before = from.statements.get(fingerprint)
    const since = before === undefined || before.calls > after.calls ? NOTHING : before
    const calls = after.calls - since.calls
    if (calls === 0) continue
    const runMs = Math.max(0, after.runMs - since.runMs)
    statements.push({
      fingerprint,
      text: after.text,
      calls,
      errors: Math.max(0, after.errors - since.errors),
      meanRunMs: runMs / calls,
      meanWaitMs: Math.max(0, after.waitMs - since.waitMs) / calls,
      runMs,
    })
  }
  return {
    durationMs: to.atMs - from.atMs,
    checkouts: grown(from.checkouts, to.checkouts),
    failedCheckouts: grown(from.failedCheckouts, to.failedCheckouts),
    wait: histogramGrowth(from.wait, to.wait),
    demand: demandGrowth(from.demand, to.demand),
    unmetDemand: demandGrowth(from.unmetDemand, to.unmetDemand),
    statements: statements.sort((a, b) => b.runMs - a.runMs).map(({ runMs: _, ...rest }) => rest),
    calls: grown(from.calls, to.calls),
    errors: grown(from.errors, to.errors),
  }
}

const NOTHING: Omit<StatementSum, 'text'> = { calls: 0, errors: 0, runMs: 0, waitMs: 0 }
