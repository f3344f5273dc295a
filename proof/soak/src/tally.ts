import type { Errand } from './errand.js'
import type { Kills } from './kills.js'
import { codeOf, type Operation } from './operation.js'
import { OPERATIONS } from './operations.js'

/** What became of one operation's runs. */
export interface OperationTally {
  runs: number
  succeeded: number
  /** Ended with an error that the operation provokes. */
  provoked: number
  /** Ended with an error because its connection was killed. */
  killed: number
  unexplained: number
}

const MOST_REPORTS = 20

/** Counts how errands ended, and finds the errors that nothing explains. */
export class Tally {
  readonly operations = new Map<Operation, OperationTally>(
    OPERATIONS.map((operation) => [
      operation,
      { runs: 0, succeeded: 0, provoked: 0, killed: 0, unexplained: 0 },
    ]),
  )
  readonly reports: string[] = []
  readonly #kills: Kills

  constructor(kills: Kills) {
    this.#kills = kills
  }

  get runs(): number {
    return this.#sum((each) => each.runs)
  }

  get unexplained(): number {
    return this.#sum((each) => each.unexplained)
  }

  ended(operation: Operation, errand: Errand, failure: { error: unknown } | undefined): void {
    const tally = this.operations.get(operation) as OperationTally
    tally.runs += 1
    if (failure === undefined) tally.succeeded += 1
    else if (operation.expects?.(failure.error) === true) tally.provoked += 1
    else if (this.#kills.explain(failure.error, errand)) tally.killed += 1
    else {
      tally.unexplained += 1
      this.#report(operation, failure.error)
    }
  }

  #report({ name }: Operation, error: unknown): void {
    if (this.reports.length >= MOST_REPORTS) return
    const text = error instanceof Error ? error.stack : String(error)
    this.reports.push(`${name} failed (${codeOf(error) ?? 'no code'}): ${text}`)
  }

  #sum(read: (each: OperationTally) => number): number {
    return [...this.operations.values()].reduce((sum, each) => sum + read(each), 0)
  }
}
