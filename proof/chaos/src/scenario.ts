import type { RoundContext } from './round-context.js'

/** Measured numbers by name; times in milliseconds. A measurement that has no meaning in a scenario is left out. */
export type Measurements = Record<string, number>

/** One fault, with what connmgr promises for it. */
export interface Scenario<C extends RoundContext = RoundContext> {
  readonly id: number
  /** What happens, in a few words. */
  readonly name: string
  /** What it belongs to, for `--only` to name beside numbers. */
  readonly group?: 'wan'
  /** True for the most telling ones, which `--quick` runs. */
  readonly quick?: boolean
  /** False if it does not use the ORM that `--orm` names. @default true */
  readonly throughOrm?: boolean
  /** Time after which it counts as hanging. @default 60_000 */
  readonly deadlineMs?: number
  /** Highest p99 of measurements that are times. */
  readonly targets?: Readonly<Record<string, number>>
  /** Provokes the fault and returns what was measured; what does not hold goes to `context.expect`. */
  run(context: C): Promise<Measurements>
}

/** What one round of a scenario came to. */
export interface Round {
  readonly figures: Measurements
  /** What did not hold; empty if the round is good. */
  readonly failures: readonly string[]
}

/** What all rounds of a scenario came to; printed by `--json`. */
export interface ScenarioResult {
  readonly id: number
  readonly name: string
  readonly ok: boolean
  /** Of one round; of several, their p99. */
  readonly figures: Measurements
  /** With several rounds. */
  readonly p50?: Measurements
  /** Highest p99 of measurements that are times, on a machine that is not busy. */
  readonly targets?: Readonly<Record<string, number>>
  readonly rounds: number
  readonly failures: readonly string[]
}
