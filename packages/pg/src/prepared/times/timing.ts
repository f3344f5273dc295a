import type { Clock } from '@connmgr/core'
import type { PlanTimes } from './plan-times.js'
import type { Block, TimedStatement } from './plan-trial.js'

/** A run whose time is taken. */
export interface TimedRun {
  readonly statement: TimedStatement
  /** Whether the server plans it for its values. */
  readonly custom: boolean
  /** Of a trial, if it is a part of one. */
  readonly block: Block | undefined
}

/** Takes the time of one run. */
export class Timing {
  readonly #times: PlanTimes
  readonly #clock: Pick<Clock, 'now'>
  readonly #run: TimedRun
  #startedAt = 0

  constructor(times: PlanTimes, clock: Pick<Clock, 'now'>, run: TimedRun) {
    this.#times = times
    this.#clock = clock
    this.#run = run
  }

  /** It is being sent, or the server has come to it. The latest counts. */
  begin(): void {
    this.#startedAt = this.#clock.now()
  }

  /** The server has run it to its end. */
  end(): void {
    this.#times.ran(this.#run, this.#clock.now() - this.#startedAt)
  }
}
