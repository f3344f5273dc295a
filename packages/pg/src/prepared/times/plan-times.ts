import type { Clock } from '@connmgr/core'
import { stepOf, stepsTo } from './log-scale.js'
import { CUSTOM_RUNS, FIRST_LATER_RUN, PlanTrial, type TimedStatement } from './plan-trial.js'
import { RankTest } from './rank-test.js'
import { RecentTimes, type RunTimes } from './recent-times.js'
import { type TimedRun, Timing } from './timing.js'

/** A statement has become slower since the server runs it by a plan that it keeps for all values. */
export interface PlanJump {
  /** When it began to show, in milliseconds since 1970. */
  readonly at: number
  /** How often the statement was prepared anew to compare. */
  readonly rounds: number
  /** By plans for their values, and by the plan that is kept, as they were compared. */
  readonly before: RunTimes
  readonly after: RunTimes
  /** Runs since it began to show. */
  readonly runs: number
}

const KEPT_CUSTOM = 32
const KEPT_LATER = 16
/** Times of all runs are taken up to this one on each connection, then of one in so many. A power of two. */
const ALL_UP_TO = FIRST_LATER_RUN + 7
const ONE_IN = 32
/** Taking the time is nothing beside such a run. */
const SLOW_MS = 1
const ONE_IN_OF_SLOW = 4

const FEWEST_CUSTOM = 4
/** Times that are added between two looks. */
const PER_LOOK = 8
/** Half a percent of the looks at a statement that is well: then a trial is made, which costs little. */
const SUSPICIOUS = 2.6
const LEAST_RATIO = stepsTo(1.3)
const LEAST_MS = 0.1
/** With less evidence than that, so many times in a row, it may be over: then a trial is made as well. */
const OVER = 1
const LOOKS_UNTIL_OVER = 3
const UNPREPARED_IN_A_ROW = 8
/** Times that are added after a trial has shown nothing, before there is another; doubled each time. */
const REST = 64
const MOST_DOUBLED = 6

/** How long the runs of one text take, by whether the server plans them for their values, on all connections together. */
export class PlanTimes {
  readonly #custom = new RecentTimes(KEPT_CUSTOM)
  readonly #later = new RecentTimes(KEPT_LATER)
  readonly #clock: Pick<Clock, 'now' | 'random' | 'wallTime'>
  #trial: PlanTrial | undefined
  /** From this time on a run counts as one that may be slow by its plan. */
  #slowFrom = 0
  #suspectedAt = 0
  #runsWhenSuspected = 0
  #jump: PlanJump | undefined
  #looksWithoutEvidence = 0
  #lookAt = PER_LOOK
  #doubled = 0
  #mask = ONE_IN - 1
  #runs = 0
  #unprepared = 0

  constructor(clock: Pick<Clock, 'now' | 'random' | 'wallTime'>) {
    this.#clock = clock
  }

  /** Runs by statements that were prepared. */
  get runs(): number {
    return this.#runs
  }

  get custom(): RunTimes {
    return this.#custom.times
  }

  get later(): RunTimes {
    return this.#later.times
  }

  get jump(): PlanJump | undefined {
    const jump = this.#jump
    return jump && { ...jump, runs: this.#runs - this.#runsWhenSuspected }
  }

  /**
   * A statement is about to be sent. Returns what takes its time, if that is wanted.
   *
   * @param planned whether it has values to be planned for
   */
  next(statement: TimedStatement, planned: boolean): Timing | undefined {
    const run = statement.runs + 1
    statement.runs = run
    this.#runs += 1
    this.#unprepared = 0
    const trial = this.#trial
    if (trial === undefined && run > ALL_UP_TO && (run & this.#mask) !== 0) return undefined
    const block = trial?.next(statement, statement.latest >= this.#slowFrom)
    const custom = planned && run <= CUSTOM_RUNS.last
    if (run < CUSTOM_RUNS.first || (!custom && run < FIRST_LATER_RUN)) return undefined
    return new Timing(this, this.#clock, { statement, custom, block })
  }

  /** The same text was sent without being prepared. */
  ranUnprepared(): void {
    this.#unprepared += 1
    if (this.#unprepared < UNPREPARED_IN_A_ROW) return
    this.#jump = undefined
    this.#trial = undefined
  }

  /** Whether a statement is to be prepared anew, to be compared with what it is then. */
  wantsAnew(statement: TimedStatement): boolean {
    return this.#trial?.wantsAnew(statement) === true
  }

  preparedAnew(statement: TimedStatement): void {
    this.#trial?.preparedAnew(statement)
  }

  /** A run whose time was taken has ended. */
  ran({ block, custom, statement }: TimedRun, ms: number): void {
    const step = stepOf(ms)
    if (custom) this.#custom.add(step)
    else {
      statement.latest = step
      this.#later.add(step)
    }
    const trial = this.#trial
    if (trial !== undefined) {
      if (block !== undefined) trial.ran(block, step)
      this.#conclude(trial)
    } else if (!custom && this.#later.count >= this.#lookAt) this.#look()
  }

  #look(): void {
    this.#lookAt = this.#later.count + PER_LOOK
    this.#mask = (this.#later.times.p50Ms >= SLOW_MS ? ONE_IN_OF_SLOW : ONE_IN) - 1
    const z = this.#evidence()
    if (this.#jump !== undefined) {
      this.#looksWithoutEvidence = z < OVER ? this.#looksWithoutEvidence + 1 : 0
      if (this.#looksWithoutEvidence >= LOOKS_UNTIL_OVER) this.#try(0)
    } else if (z >= SUSPICIOUS) {
      this.#suspectedAt = this.#clock.wallTime()
      this.#runsWhenSuspected = this.#runs
      // Also where most values take long by any plan.
      this.#try(this.#custom.quantile(0.25) + LEAST_RATIO)
    }
  }

  /** @param slowFrom the time from which on the latest run of a statement has to be for the statement to take part */
  #try(slowFrom: number): void {
    this.#slowFrom = slowFrom
    this.#looksWithoutEvidence = 0
    this.#trial = new PlanTrial(this.#clock)
  }

  #conclude(trial: PlanTrial): void {
    const { outcome, rounds } = trial
    if (outcome === undefined) return
    this.#trial = undefined
    this.#lookAt = this.#later.count + PER_LOOK
    if (outcome === 'slower') {
      const { custom: before, later: after } = trial
      this.#jump = { at: this.#suspectedAt, rounds, before, after, runs: 0 }
      this.#doubled = 0
    } else {
      this.#jump = undefined
      this.#lookAt += REST * 2 ** this.#doubled
      this.#doubled = Math.min(this.#doubled + 1, MOST_DOUBLED)
    }
  }

  /** That the latest runs are slower than those that were planned for their values, by so much that it matters. */
  #evidence(): number {
    const [custom, later] = [this.#custom, this.#later]
    if (custom.count < FEWEST_CUSTOM) return 0
    if (later.times.meanMs - custom.times.meanMs < LEAST_MS) return 0
    const test = new RankTest()
    test.add(custom.steps, later.steps)
    return test.z
  }
}
