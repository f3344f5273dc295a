import type { ResponseTimes } from '../time/response-times.js'

/** How long a server has for an answer. Times are in milliseconds. */
export interface ProbeTimeouts {
  /** Deadline of one question; longer for a server that has shown to be slower. */
  readonly probeTimeoutMs: number
  /** Deadline of a question for which a connection must be opened first; the same holds. */
  readonly probeConnectTimeoutMs: number
  /**
   * After a failure, time until one more connection is tried beside those that have not come about yet: a proxy in
   * between may hold on to one whose server has gone, and lead the next to its successor. `@default` as above
   */
  readonly retryConnectTimeoutMs?: number
}

/**
 * A server that has never answered is waited for so long, or so many times as long as a login may take: even the first
 * byte of one takes two round trips, whose length is not known yet.
 */
const FIRST_ANSWER_MS = 7000
const FIRST_ATTEMPTS = 7

/** How long answers of one server are waited for: longer for one that has shown to be slower. */
export class ProbePatience {
  readonly #timeouts: ProbeTimeouts
  readonly #times: ResponseTimes

  constructor(timeouts: ProbeTimeouts, times: ResponseTimes) {
    this.#timeouts = timeouts
    this.#times = times
  }

  /** For the next probe. */
  timeoutMs(now: { loggedIn: boolean; loggingIn: boolean; failing: boolean }): number {
    const { probeConnectTimeoutMs, probeTimeoutMs } = this.#timeouts
    if (now.loggedIn) return this.#times.answerWithinMs(probeTimeoutMs)
    // From a near server something would have come by now, even to a login.
    const soon = now.loggingIn && this.#times.known && !this.#times.far
    const patienceMs = soon
      ? this.#times.answerWithinMs(probeTimeoutMs)
      : this.#times.firstAnswerWithinMs(probeConnectTimeoutMs)
    return now.failing ? Math.min(patienceMs, this.retryMs) : patienceMs
  }

  /** For a probe whose session was stale: a login takes longer than the question that it was to answer. */
  get afterStaleMs(): number {
    const { probeTimeoutMs, retryConnectTimeoutMs } = this.#timeouts
    const floorMs = retryConnectTimeoutMs ?? this.#times.answerWithinMs(probeTimeoutMs)
    return this.#times.firstAnswerWithinMs(floorMs)
  }

  /** Of a login that comes forward. */
  get longestMs(): number {
    return this.#times.longestLoginMs(this.#timeouts.probeConnectTimeoutMs)
  }

  /** Until one more connection is tried. */
  get retryMs(): number {
    const { retryConnectTimeoutMs, probeConnectTimeoutMs } = this.#timeouts
    return this.#times.firstAnswerWithinMs(retryConnectTimeoutMs ?? probeConnectTimeoutMs)
  }

  /**
   * The first answer of a server may come from far away, and what is not known cannot be lost meanwhile. The first miss is
   * reported in any case: other servers may serve already.
   */
  mayBeFar(waitedMs: number): boolean {
    const patienceMs = FIRST_ATTEMPTS * this.#timeouts.probeConnectTimeoutMs
    return !this.#times.known && waitedMs < Math.min(FIRST_ANSWER_MS, patienceMs)
  }
}
