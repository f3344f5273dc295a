import { type AcquirePhase, AcquireTimeoutError, messageOf } from '../errors.js'
import type { LeaseReport } from '../leaks/lease-report.js'
import type { PoolCounts } from './metrics.js'

/** The error of a waiter whose deadline passed, worded so that exhausted, unreachable and hanging can be told apart. */
export function acquireTimeoutError(details: {
  pool: string
  endpoint: string
  waitedMs: number
  counts: PoolCounts
  testing: number
  holders: readonly LeaseReport[]
  lastConnectError: Error | undefined
}): AcquireTimeoutError {
  const { counts, holders, lastConnectError, testing } = details
  const phase: AcquirePhase =
    counts.inUse >= counts.limit
      ? 'wait'
      : counts.connecting > 0 || lastConnectError !== undefined
        ? 'connect'
        : testing > 0
          ? 'validate'
          : 'wait'
  const waited = `no connection to ${details.endpoint} within ${Math.round(details.waitedMs)} ms`
  const state =
    `${counts.inUse} in use, ${counts.idle} idle, ${counts.connecting} connecting, ` +
    `${counts.waiting} waiting, limit ${counts.limit}`
  return new AcquireTimeoutError({
    message: `pool "${details.pool}": ${waited}: ${explain(phase, holders, lastConnectError)} (${state})`,
    phase,
    waitedMs: details.waitedMs,
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
