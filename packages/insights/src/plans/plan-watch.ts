import type { Clock, TimerHandle } from '@connmgr/core/driver'
import type { Probe } from '../blocking/probe.js'
import type { Collector } from '../collector/collector.js'
import { dialectOf } from '../fingerprint/dialect.js'
import type { Fingerprint } from '../fingerprint/fingerprints.js'
import { lex } from '../fingerprint/lexer.js'
import type { PlanChange, StatementPlan } from '../snapshot.js'
import { type PlanNode, planShapeOf } from './plan-shape.js'

/** Between two rounds. */
const ROUND_MS = 60_000
/** Until the first round after the first statement. */
const FIRST_ROUND_MS = 5_000
/** Statements whose plans are asked for in a round: those that take the most time. */
const PER_ROUND = 20
const MOST_PLANS = 500
const MOST_CHANGES = 50
const PLANNED = new Set(['read', 'insert', 'update', 'delete', 'merge'])

/** Keeps the generic plans of the statements that take the most time, and notices when one changes. PostgreSQL 16 on. */
export class PlanWatch {
  readonly #collector: Collector
  readonly #probe: Probe
  readonly #clock: Clock
  readonly #plans = new Map<string, StatementPlan>()
  readonly #changes: PlanChange[] = []
  /** Cannot be planned without values. */
  readonly #refused = new Set<string>()
  #unsupported = false
  #timer: TimerHandle | undefined
  #closed = false

  constructor(collector: Collector, probe: Probe, clock: Clock) {
    this.#collector = collector
    this.#probe = probe
    this.#clock = clock
  }

  begin(): void {
    if (this.#timer === undefined && !this.#closed && !this.#unsupported) this.#wait(FIRST_ROUND_MS)
  }

  /** Costliest first. */
  get plans(): StatementPlan[] {
    return [...this.#plans.values()].sort((a, b) => b.cost - a.cost)
  }

  get changes(): PlanChange[] {
    return [...this.#changes]
  }

  /** Asks for the plans of the statements that take the most time, now. */
  async look(): Promise<void> {
    const wanted = this.#collector.statements
      .entries()
      .filter(({ fingerprint, sample }) => this.#isPlannable(fingerprint, sample))
      .slice(0, PER_ROUND)
    for (const { fingerprint, sample } of wanted) {
      if (this.#closed || this.#unsupported) return
      await this.#plan(fingerprint, sample as string)
    }
  }

  clear(): void {
    this.#plans.clear()
    this.#changes.length = 0
    this.#refused.clear()
  }

  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#timer)
  }

  #wait(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      void this.look().then(() => {
        this.#timer = undefined
        if (!this.#closed && !this.#unsupported) this.#wait(ROUND_MS)
      })
    }, delayMs)
  }

  #isPlannable({ id, kind }: Fingerprint, sample: string | undefined): boolean {
    if (sample === undefined || !PLANNED.has(kind) || this.#refused.has(id)) return false
    // One statement only: what follows a semicolon would run.
    const { tokens } = lex(sample, dialectOf('postgresql'))
    return !tokens.some(({ type }, at) => type === 'end' && at < tokens.length - 1)
  }

  async #plan(fingerprint: Fingerprint, text: string): Promise<void> {
    const rows = await this.#probe.ask(async (client) => {
      try {
        const explained = `explain (generic_plan, verbose, format json) ${text.replace(/;\s*$/, '')}`
        return (await client.query(explained)).rows
      } catch (error) {
        this.#refuse(fingerprint, error)
        return []
      }
    })
    const [row] = (rows ?? []) as readonly { 'QUERY PLAN'?: readonly { Plan?: PlanNode }[] }[]
    const root = row?.['QUERY PLAN']?.[0]?.Plan
    if (root !== undefined) this.#keep(fingerprint, root)
  }

  #refuse({ id }: Fingerprint, error: unknown): void {
    const { code, message } = error as { code?: unknown; message?: unknown }
    // Before PostgreSQL 16: unrecognized EXPLAIN option.
    if (code === '42601' && String(message).includes('generic_plan')) this.#unsupported = true
    this.#refused.add(id)
  }

  #keep({ id, text }: Fingerprint, root: PlanNode): void {
    const at = this.#clock.wallTime()
    const plan: StatementPlan = { fingerprint: id, text, ...planShapeOf(root), at }
    const before = this.#plans.get(id)
    if (before !== undefined && before.hash !== plan.hash) {
      this.#changes.push({ fingerprint: id, text, from: before, to: plan, at })
      if (this.#changes.length > MOST_CHANGES) this.#changes.shift()
    }
    if (before !== undefined || this.#plans.size < MOST_PLANS) this.#plans.set(id, plan)
  }
}
