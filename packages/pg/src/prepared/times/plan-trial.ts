import type { Clock } from '@connmgr/core'
import { stepsTo } from './log-scale.js'
import { RankTest } from './rank-test.js'
import { type RunTimes, timesOf } from './recent-times.js'

/** Of a statement on one connection, what its times go by. */
export interface TimedStatement {
  /** How often it was sent since it was prepared. */
  runs: number
  /** The latest time that was taken of it, once the server may have kept a plan. */
  latest: number
  /** It is to be used no more. */
  readonly gone: boolean
}

/** PostgreSQL plans the first five runs for their values. The first also reads the text. */
export const CUSTOM_RUNS = { first: 2, last: 5 } as const
/** From this run on the server may run by a plan that it has kept. It makes that plan one run earlier. */
export const FIRST_LATER_RUN = 7

/** Runs of each kind in a round. */
const PER_BLOCK = 4
/** An error leaves a block short. */
const FEWEST_PER_BLOCK = 3
/** Runs before a round that are left out at random, so that no rhythm of the work decides which runs are compared. */
const MOST_SKIPPED = 8
/** A round whose statement is not run any more is given up after so many runs of the others. */
const MOST_ELSEWHERE = 1000
/** Runs of the statement anew, after which missing times are waited for no longer. */
const MOST_ANEW = 60
/** Runs without a round that has come to its end. */
const MOST_IDLE = 5000

const FEWEST_ROUNDS = 4
const MOST_ROUNDS = 24
/** By chance once in about 30,000, and both comparisons have to be as far. */
const CERTAIN = 4
/** Unlikely to become certain: rounds, and the least that they must show by then. */
const FUTILE: readonly (readonly [rounds: number, z: number])[] = [
  [4, 0.5],
  [8, 1.5],
  [16, 2.5],
  [MOST_ROUNDS, CERTAIN],
]
/** Of the geometric means. Less is no matter for advice. */
const LEAST_RATIO = stepsTo(1.3)

interface Round {
  statement: TimedStatement
  skip: number
  /** Runs of the block before that were sent. */
  sent: number
  anew: boolean
  elsewhere: number
  readonly before: number[]
  readonly custom: number[]
  readonly after: number[]
}

/** Where the time of a run goes. */
export type Block = number[]

/**
 * Finds out whether a statement runs slower by the plan that the server keeps than by plans for its values. In each round a
 * connection prepares the statement anew, which has the server plan five runs for their values again: four runs before, four
 * of these five, and four after are compared. Both those before and those after must be slower, so that neither a machine that
 * becomes slower nor one that becomes faster can be mistaken for a plan.
 */
export class PlanTrial {
  readonly #clock: Pick<Clock, 'random'>
  readonly #before = new RankTest()
  readonly #after = new RankTest()
  #round: Round | undefined
  readonly #customs: number[] = []
  readonly #laters: number[] = []
  #idle = 0

  constructor(clock: Pick<Clock, 'random'>) {
    this.#clock = clock
  }

  get rounds(): number {
    return this.#before.strata
  }

  /** Of the runs that were planned for their values. */
  get custom(): RunTimes {
    return timesOf(Uint8Array.from(this.#customs))
  }

  /** Of the runs before and after these. */
  get later(): RunTimes {
    return timesOf(Uint8Array.from(this.#laters))
  }

  /** What has come out of it; undefined while it goes on. */
  get outcome(): 'slower' | 'not slower' | undefined {
    const { rounds } = this
    const z = Math.min(this.#before.z, this.#after.z)
    if (rounds >= FEWEST_ROUNDS && z >= CERTAIN && this.#ratio() >= LEAST_RATIO) return 'slower'
    if (this.#idle > MOST_IDLE || rounds >= MOST_ROUNDS) return 'not slower'
    return FUTILE.some(([after, least]) => rounds >= after && z < least) ? 'not slower' : undefined
  }

  /**
   * A statement is about to be sent.
   *
   * @param slow whether the statement may be one that has become slower
   */
  next(statement: TimedStatement, slow: boolean): Block | undefined {
    this.#idle += 1
    const round = this.#round
    if (round === undefined) {
      if (statement.runs >= FIRST_LATER_RUN && slow) this.#begin(statement)
      return undefined
    }
    if (statement !== round.statement) {
      round.elsewhere += 1
      if (round.statement.gone || round.elsewhere > MOST_ELSEWHERE) this.#round = undefined
      return undefined
    }
    return round.anew ? this.#blockAnew(round) : blockBefore(round)
  }

  /** Whether a statement is to be prepared anew before it is sent again. */
  wantsAnew(statement: TimedStatement): boolean {
    const round = this.#round
    return round?.statement === statement && !round.anew && round.sent === PER_BLOCK
  }

  preparedAnew(statement: TimedStatement): void {
    if (this.#round === undefined) return
    this.#round.statement = statement
    this.#round.anew = true
  }

  /** A run has ended that was to go to a block. */
  ran(block: Block, step: number): void {
    block.push(step)
    const round = this.#round
    if (block === round?.after && block.length === PER_BLOCK) this.#finish(round)
  }

  #ratio(): number {
    return mean(this.#laters) - mean(this.#customs)
  }

  #begin(statement: TimedStatement): void {
    const skip = Math.floor(this.#clock.random() * MOST_SKIPPED)
    const blocks = { before: [], custom: [], after: [] }
    this.#round = { statement, skip, sent: 0, anew: false, elsewhere: 0, ...blocks }
  }

  #blockAnew(round: Round): Block | undefined {
    const { runs } = round.statement
    if (runs >= CUSTOM_RUNS.first && runs <= CUSTOM_RUNS.last) return round.custom
    if (runs >= FIRST_LATER_RUN && runs < FIRST_LATER_RUN + PER_BLOCK) return round.after
    if (runs > MOST_ANEW) this.#finish(round)
    return undefined
  }

  #finish(round: Round): void {
    this.#round = undefined
    const { after, before, custom } = round
    if (Math.min(after.length, before.length, custom.length) < FEWEST_PER_BLOCK) return
    this.#idle = 0
    this.#before.add(custom, before)
    this.#after.add(custom, after)
    this.#customs.push(...custom)
    this.#laters.push(...before, ...after)
  }
}

function blockBefore(round: Round): Block | undefined {
  if (round.skip > 0) round.skip -= 1
  else if (round.sent < PER_BLOCK) {
    round.sent += 1
    return round.before
  }
  return undefined
}

function mean(steps: readonly number[]): number {
  return steps.reduce((total, step) => total + step, 0) / steps.length
}
