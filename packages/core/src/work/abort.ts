import { AbortedError, AcquireAbortedError } from '../errors.js'
import type { Lease } from '../pool/lease.js'
import type { Clock } from '../time/clock.js'
import { failureOf, type Verdicts } from './failure.js'

/** What aborting takes. */
export interface AbortContext {
  readonly clock: Pick<Clock, 'setImmediate'>
  readonly driver: Verdicts
  /** True if the work resolves only when all that it has done is committed, so that its value is the truth. */
  readonly valueProvesCommit: boolean
}

/**
 * Runs `work` on a lease until `signal` fires. Then the connection is destroyed, which cancels what it runs on the server
 * and rolls back what is open. The work is not waited for any longer than its statements need to tell their end: it may
 * be waiting for something else.
 *
 * @throws AbortedError `CONNMGR_ABORTED`
 * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if a write or a COMMIT was in flight
 */
export function untilAborted<C extends object, T>(
  lease: Lease<C>,
  signal: AbortSignal,
  context: AbortContext,
  work: () => Promise<T>,
): Promise<T> {
  if (signal.aborted) {
    lease.release()
    return Promise.reject(new AcquireAbortedError(signal.reason))
  }
  return new Promise((resolve, reject) => {
    let aborted: AbortedError | undefined
    const onAbort = (): void => {
      // It has been given back: all is over but the last steps of a promise.
      if (!lease.active) return
      const error = new AbortedError(signal.reason)
      aborted = error
      lease.destroy(error)
      // By then the statements that were cut off have failed with what is known of them.
      const { clock } = context
      clock.setImmediate(() => clock.setImmediate(() => reject(error)))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work()
      .then(
        (value) => {
          if (aborted === undefined || context.valueProvesCommit) resolve(value)
          else reject(aborted)
        },
        (error: unknown) => {
          const unknown = failureOf(error, context.driver) === 'unknown'
          reject(aborted === undefined || unknown ? error : aborted)
        },
      )
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
