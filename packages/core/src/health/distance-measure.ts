import type { Probe } from '../driver/replication.js'
import { outside } from '../flow/outside.js'
import type { Runtime } from '../runtime.js'
import { attempt } from '../time/bounded.js'
import type { ResponseTimes } from '../time/response-times.js'
import { Question } from './question.js'

/**
 * Asks on while a server seems far by few answers, as a machine that starts or is busy delays some answers, and a
 * distance all. What a far server is granted would have a near one missed late.
 */
export class DistanceMeasure {
  readonly #runtime: Runtime
  readonly #times: ResponseTimes
  /** Over which a question is under way that is part of no probe. */
  #measuring: Probe | undefined

  constructor(runtime: Runtime, times: ResponseTimes) {
    this.#runtime = runtime
    this.#times = times
  }

  /** @param isKept whether the session is still the one to ask over */
  over(session: Probe, isKept: () => boolean): void {
    if (!this.#times.doubtful || !isKept() || this.#measuring === session) return
    this.#measuring = session
    const question = new Question(this.#runtime, false)
    outside(() => attempt(() => session.check(question.abort.signal))).then(
      ({ roundTrips }) => {
        this.#ended(session)
        this.#times.answered(question.tookMs, roundTrips)
        this.over(session, isKept)
      },
      // The next probe finds out by itself what has become of the session.
      () => this.#ended(session),
    )
  }

  #ended(session: Probe): void {
    if (this.#measuring === session) this.#measuring = undefined
  }
}
