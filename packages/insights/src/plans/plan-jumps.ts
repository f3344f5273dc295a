import type { Fingerprint } from '../fingerprint/fingerprints.js'
import type { PlanJumpVerdict, PlanKinds, PlannedRuns, StatementStats } from '../snapshot.js'

/** The part of a manager that compares the plans of what it prepares. Only some databases have it. */
export interface PlanJumpSource {
  getStatementStats?(): { readonly times: readonly TimedText[] }
  readPlanCounts?(): Promise<readonly (PlanKinds & { readonly text: string })[]>
}

interface TimedText {
  readonly text: string
  readonly jump: Jump | undefined
}

interface Jump {
  readonly at: number
  readonly rounds: number
  readonly before: PlannedRuns
  readonly after: PlannedRuns
  readonly runs: number
}

/** What calls of statements are known, to name the lines that a verdict is about. */
export interface KnownStatements {
  fingerprintOf(text: string): Fingerprint | undefined
  stats(): readonly StatementStats[]
}

/** Names the statements that are slower by the plan that the server keeps, as long as they are. */
export class PlanJumps {
  readonly #source: PlanJumpSource
  readonly #known: KnownStatements
  #counts: ReadonlyMap<string, PlanKinds> = new Map()

  constructor(source: PlanJumpSource, known: KnownStatements) {
    this.#source = source
    this.#known = known
  }

  /** The costliest first. */
  list(): PlanJumpVerdict[] {
    const jumped = this.#jumped()
    if (jumped.length === 0) return []
    const statements = this.#known.stats()
    return jumped
      .flatMap(({ jump, text }) => this.#verdict(text, jump, statements))
      .sort((a, b) => costOf(b) - costOf(a))
  }

  /** Asks the server by which plans it has run them, if there are any. Without an answer the last one stays. */
  async refresh(): Promise<void> {
    if (this.#source.readPlanCounts === undefined || this.#jumped().length === 0) return
    try {
      const counts = await this.#source.readPlanCounts()
      this.#counts = new Map(counts.map((each) => [each.text, each]))
    } catch {
      // Insights never fail their caller: without an answer there is less evidence.
    }
  }

  #jumped(): { readonly text: string; readonly jump: Jump }[] {
    const { times = [] } = this.#source.getStatementStats?.() ?? {}
    return times.flatMap(({ jump, text }) =>
      jump === undefined || text === '' ? [] : [{ text, jump }],
    )
  }

  #verdict(text: string, jump: Jump, statements: readonly StatementStats[]): PlanJumpVerdict[] {
    const fingerprint = this.#known.fingerprintOf(text)
    if (fingerprint === undefined) return []
    const counts = this.#counts.get(text)
    const calls = statements.filter((each) => each.fingerprint === fingerprint.id)
    return [
      {
        fingerprint: fingerprint.id,
        text: fingerprint.text,
        site: calls.find(({ site }) => site !== undefined)?.site,
        ...jump,
        plans: counts && {
          genericPlans: counts.genericPlans,
          customPlans: counts.customPlans,
        },
      },
    ]
  }
}

/** Milliseconds that plans for values would have saved. */
export function costOf({ after, before, runs }: PlanJumpVerdict): number {
  return Math.max(0, after.meanMs - before.meanMs) * runs
}
