import type { TextRow } from '../own-query.js'
import type { Statement } from './statement-cache.js'

/** How often the server has run a text by which kind of plan, on the connections that were asked. */
export interface PlanCounts {
  /** As {@link StatementTimes.text}. */
  readonly text: string
  /** Statements of it that were found: one on each connection. */
  readonly statements: number
  /** Runs by a plan for all values. */
  readonly genericPlans: number
  /** Runs that were planned for their values. */
  readonly customPlans: number
}

/** What PostgreSQL counts from 14 on, of the statements of one session. */
export const COUNT_PLANS =
  'select name, generic_plans, custom_plans from pg_catalog.pg_prepared_statements'
export const COUNTS_PLANS_FROM = 14

export type PlanCountRow = TextRow & readonly [name: string, generic: string, custom: string]

/** Adds up the counts of several sessions, by text. */
export class PlanCounter {
  readonly #byText = new Map<string, Omit<PlanCounts, 'text'>>()

  add(rows: readonly PlanCountRow[], statements: ReadonlyMap<string, Statement>): void {
    for (const [name, generic, custom] of rows) {
      const text = statements.get(name)?.recurring.text
      if (text === undefined) continue
      const known = this.#byText.get(text)
      this.#byText.set(text, {
        statements: (known?.statements ?? 0) + 1,
        genericPlans: (known?.genericPlans ?? 0) + Number(generic),
        customPlans: (known?.customPlans ?? 0) + Number(custom),
      })
    }
  }

  /** @param shown how a text appears in reports */
  counts(shown: (text: string) => string): PlanCounts[] {
    return [...this.#byText].map(([text, counts]) => ({ text: shown(text), ...counts }))
  }
}
