import type { FailureKind } from '../driver/failure-kind.js'
import type { ProbeResult } from '../driver/replication.js'
import type { AnsweredQuestion } from '../time/response-times.js'

/** A probe that was answered. */
export interface SuccessfulProbe extends AnsweredQuestion {
  readonly ok: true
  readonly durationMs: number
  readonly result: ProbeResult
  /** True if it was asked over a session to another database of the server: this one may not be there. */
  readonly elsewhere?: boolean
  /** True if the server had no room for the probe while the pool has connections to it. `result` is the one known before. */
  readonly refused?: boolean
}

/** A probe that the server refused, or did not answer in time. */
interface FailedProbe {
  readonly ok: false
  readonly durationMs: number
  readonly kind: FailureKind
  readonly error: Error
  /** True if the server did not answer at all, rather than refusing. */
  readonly timedOut: boolean
  /**
   * True if the server is alive all the same: it has sent something over other connections meanwhile, or has answered
   * with the error of a statement. What was known of it before holds.
   */
  readonly alive?: boolean
}

/** What one probe found. */
export type ProbeOutcome = SuccessfulProbe | FailedProbe
