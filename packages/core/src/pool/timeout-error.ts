import { type AcquirePhase, AcquireTimeoutError, ConnectFailedError, messageOf } from '../errors.js'
import type { PoolCounts } from '../vocabulary/counts.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import type { BudgetReport } from './connection-budget.js'

/** Less than this is not worth telling. */
const NOTEWORTHY_STALL_MS = 250

/** The error of a waiter whose deadline passed, whose words distinguish an exhausted pool, an unreachable server and a hanging one. */
export function acquireTimeoutError(details: {
  pool: string
  endpoint: string
  waitedMs: number
  timeoutMs: number
  counts: PoolCounts
  /** There is one connection and never another. */
  exclusive: boolean
  holders: readonly LeaseReport[]
  /** Id of a lease that the flow which has waited holds itself, if that is known. */
  heldByItself: number | undefined
  lastConnectError: Error | undefined
  /** The limit that it shares with others, if that is what it waits for. */
  budget?: BudgetReport | undefined
}): AcquireTimeoutError {
  const { budget, counts, holders, lastConnectError, waitedMs } = details
  const phase = budget === undefined ? phaseOf(counts, lastConnectError) : 'wait'
  const why =
    budget !== undefined
      ? explainBudget(budget)
      : phase === 'wait'
        ? explainWait(counts, holders, details.exclusive) + explainNested(details.heldByItself)
        : phase === 'validate'
          ? 'a connection is being validated and has not answered'
          : explainConnect(lastConnectError)
  return new AcquireTimeoutError({
    message:
      `pool "${details.pool}": no connection to ${details.endpoint} within ${Math.round(waitedMs)} ms: ` +
      `${why}${explainStall(waitedMs - details.timeoutMs)} (${describeCounts(counts)})`,
    phase,
    waitedMs,
    counts,
    holders,
    cause: lastConnectError,
  })
}

function phaseOf(counts: PoolCounts, lastConnectError: Error | undefined): AcquirePhase {
  if (counts.inUse + counts.cleaning >= counts.limit) return 'wait'
  if (counts.connecting > 0 || lastConnectError !== undefined) return 'connect'
  return counts.testing > 0 ? 'validate' : 'wait'
}

function explainConnect(lastConnectError: Error | undefined): string {
  if (lastConnectError === undefined) return 'the server has not answered the attempt to connect'
  // It says what it is about.
  return lastConnectError instanceof ConnectFailedError
    ? lastConnectError.message
    : `the server cannot be reached: ${messageOf(lastConnectError)}`
}

/** Managers named in a message, at most. */
const MOST_NAMED = 5

function explainBudget({ maxConnections, spentBy }: BudgetReport): string {
  const named = spentBy
    .slice(0, MOST_NAMED)
    .map(([name, connections]) => `"${name}" ${connections}`)
  const others = spentBy.slice(MOST_NAMED)
  if (others.length > 0) {
    const rest = others.reduce((sum, [, connections]) => sum + connections, 0)
    named.push(`${others.length} others ${rest}`)
  }
  return `the budget of ${maxConnections} connections (maxConnections) is used up by managers: ${named.join(', ')}`
}

function explainWait(
  { cleaning }: PoolCounts,
  [longest]: readonly LeaseReport[],
  exclusive: boolean,
): string {
  if (longest === undefined) {
    return cleaning > 0
      ? 'what has come back is still being cleaned for the next borrower'
      : 'all connections are busy'
  }
  const who = longest.checkedOutBy ?? longest.label ?? 'a caller whose stack was not captured'
  const held = Math.round(longest.heldForMs)
  return exclusive
    ? `there is one connection, for one caller at a time (poolMode 'static'), and it has been in use for ${held} ms by ${who}`
    : `all connections are in use, the longest for ${held} ms by ${who}`
}

function explainNested(leaseId: number | undefined): string {
  return leaseId === undefined
    ? ''
    : `; the flow that waits holds lease ${leaseId} itself: let it give that back before, or pass its connection on`
}

function explainStall(stalledMs: number): string {
  // A deadline gets back the time in which the event loop stood still.
  return stalledMs < NOTEWORTHY_STALL_MS
    ? ''
    : `; for ${Math.round(stalledMs)} ms of it the event loop was blocked, look for synchronous work`
}

/** Every open connection is in one of these numbers. */
function describeCounts(counts: PoolCounts): string {
  const { cleaning, testing } = counts
  return (
    `${counts.inUse} in use, ${counts.idle} idle, ` +
    (testing > 0 ? `${testing} being tested, ` : '') +
    (cleaning > 0 ? `${cleaning} being cleaned, ` : '') +
    `${counts.connecting} connecting, ${counts.waiting} waiting, limit ${counts.limit}`
  )
}
