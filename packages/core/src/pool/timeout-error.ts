import { type AcquirePhase, AcquireTimeoutError, messageOf } from '../errors.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { PoolCounts } from './metrics.js'

/** Less than this is not worth telling. */
const NOTEWORTHY_STALL_MS = 250

/** The error of a waiter whose deadline passed, worded so that exhausted, unreachable and hanging can be told apart. */
export function acquireTimeoutError(details: {
  pool: string
  endpoint: string
  waitedMs: number
  timeoutMs: number
  counts: PoolCounts
  testing: number
  holders: readonly LeaseReport[]
  lastConnectError: Error | undefined
}): AcquireTimeoutError {
  const { counts, holders, lastConnectError, testing, waitedMs } = details
  // A deadline gets back the time in which the event loop stood still.
  const stalledMs = Math.round(waitedMs - details.timeoutMs)
  const phase: AcquirePhase =
    counts.inUse >= counts.limit
      ? 'wait'
      : counts.connecting > 0 || lastConnectError !== undefined
        ? 'connect'
        : testing > 0
          ? 'validate'
          : 'wait'
  const waited = `no connection to ${details.endpoint} within ${Math.round(waitedMs)} ms`
  const stall =
    stalledMs < NOTEWORTHY_STALL_MS
      ? ''
      : `; for ${stalledMs} ms of it the event loop was blocked, look for synchronous work`
  const state =
    `${counts.inUse} in use, ${counts.idle} idle, ${counts.connecting} connecting, ` +
    `${counts.waiting} waiting, limit ${counts.limit}`
  return new AcquireTimeoutError({
    message: `pool "${details.pool}": ${waited}: ${explain(phase, holders, lastConnectError)}${stall} (${state})`,
    phase,
    waitedMs,
    counts,
    holders,
    cause: lastConnectError,
  })
}

function explain(
  phase: AcquirePhase,
  holders: readonly LeaseReport[],
  lastConnectError: Error | undefined,
): string {
  if (phase === 'connect') {
    return lastConnectError === undefined
      ? 'the server has not answered the attempt to connect'
      : `the server cannot be reached: ${messageOf(lastConnectError)}`
  }
  if (phase === 'validate') return 'a connection is being validated and has not answered'
  const [longest] = holders
  if (longest === undefined) return 'all connections are busy'
  const who = longest.checkedOutBy ?? longest.label ?? 'a caller whose stack was not captured'
  return `all connections are in use, the longest for ${Math.round(longest.heldForMs)} ms by ${who}`
}
