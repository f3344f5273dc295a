import type { RecurringText } from './recurring-texts.js'
import type { PlanJump } from './times/plan-times.js'
import type { RunTimes } from './times/recent-times.js'

/** How long the runs of one text take that is prepared by itself. */
export interface StatementTimes {
  /** As `reportSql` has it; empty where that says so. */
  readonly text: string
  /** Connections on which it is prepared now. */
  readonly statements: number
  /** Runs by these statements and earlier ones. */
  readonly runs: number
  /** Of the second to the fifth run on each connection, which PostgreSQL plans for their values. Without values there are none. */
  readonly custom: RunTimes
  /** Of later runs, for which the server may have kept a plan. */
  readonly later: RunTimes
  /** Set while the later runs are slower by their plan. */
  readonly jump: PlanJump | undefined
}

/** Texts that are listed. */
const MOST = 20

/**
 * Of the texts that were prepared: first those that have become slower, then those that take the most time.
 *
 * @param shown how a text appears in reports
 */
export function statementTimes(
  texts: Iterable<RecurringText>,
  shown: (text: string) => string,
): StatementTimes[] {
  const all: StatementTimes[] = []
  for (const { statements, text, times } of texts) {
    if (times === undefined) continue
    const { custom, jump, later, runs } = times
    all.push({ text, statements, runs, custom, later, jump })
  }
  return all
    .sort((a, b) => rank(b) - rank(a) || timeOf(b) - timeOf(a))
    .slice(0, MOST)
    .map((each) => ({ ...each, text: shown(each.text) }))
}

const rank = ({ jump }: StatementTimes): number => (jump === undefined ? 0 : 1)
const timeOf = ({ custom, later, runs }: StatementTimes): number =>
  runs * (later.count > 0 ? later.meanMs : custom.meanMs)
