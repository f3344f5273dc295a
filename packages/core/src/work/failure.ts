import type { Driver } from '../driver/contract.js'
import type { FailureKind } from '../driver/failure-kind.js'
import { type LibraryError, originalOf, saidByLibrary, wrappedByLibrary } from './error-readers.js'

/**
 * What the failure of a unit of work says of its writes.
 *
 * - `never-sent`: it did not reach a server
 * - `refused`: a server refused it without effect, as it is no primary
 * - `aborted`: it was rolled back with its connection
 * - `conflict`: a serialization failure or a deadlock; it was rolled back
 * - `unknown`: it was being committed
 * - `other`: what repeating would not mend, or what was ended on purpose
 */
export type Failure = 'never-sent' | 'refused' | 'aborted' | 'conflict' | 'unknown' | 'other'

const BY_CODE: Readonly<Record<string, Failure>> = {
  CONNMGR_ACQUIRE_TIMEOUT: 'never-sent',
  CONNMGR_CONNECT_TIMEOUT: 'never-sent',
  CONNMGR_CONNECTION_LOST: 'aborted',
  CONNMGR_COMMIT_OUTCOME_UNKNOWN: 'unknown',
}

/** Only kinds that a server reports: a socket's error does not show whether the socket was a database's. */
const BY_KIND: Partial<Record<FailureKind, Failure>> = {
  'read-only': 'refused',
  serialization: 'conflict',
  starting: 'never-sent',
  busy: 'never-sent',
}

/** Errors that wrap errors are not nested deeper than that, unless they run in circles. */
const DEEPEST = 12

/** Ends that we, or the caller, brought about. */
const DELIBERATE: ReadonlySet<unknown> = new Set([
  'CONNMGR_QUERY_TIMEOUT',
  'CONNMGR_CONNECTION_DESTROYED',
  'CONNMGR_ABORTED',
  'CONNMGR_ACQUIRE_ABORTED',
  'CONNMGR_POOL_CLOSED',
])

/** What deciding takes of a driver. */
export type Verdicts = Pick<Driver<never>, 'classify' | 'statements'>

/**
 * Tells what a failure says, whatever ORM has wrapped it: by the first error that says anything, from the outside in;
 * but one of which the outcome is unknown decides, wherever it is, and then an end on purpose.
 */
export function failureOf(error: unknown, driver: Verdicts): Failure {
  let first: Failure = 'other'
  for (const each of unwrapped(error)) {
    const failure = own(each, driver)
    if (failure === 'unknown') return failure
    if (first === 'other') first = failure
  }
  return isDeliberate(error, driver) ? 'other' : first
}

/**
 * Whether a failure comes of what was ended on purpose, by a time limit for example: the server was well, so running the
 * work again would meet the same end, or override a decision.
 */
export function isDeliberate(error: unknown, driver: Verdicts): boolean {
  for (const each of unwrapped(error)) {
    if (each.deliberate === true || DELIBERATE.has(each.code)) return true
    if (driver.statements?.isDeliberate(originalOf(each)) === true) return true
  }
  return false
}

function own(error: LibraryError, driver: Verdicts): Failure {
  const { code, phase, sent } = error
  if (code === 'CONNMGR_CONNECTION_LOST' && sent === false) return 'never-sent'
  // The pool was exhausted; waiting longer is what acquireTimeoutMs is for.
  if (code === 'CONNMGR_ACQUIRE_TIMEOUT' && phase === 'wait') return 'other'
  if (typeof code === 'string' && code in BY_CODE) return BY_CODE[code] as Failure
  const said = saidByLibrary(error)
  if (said !== undefined) return said
  return BY_KIND[driver.classify(originalOf(error))] ?? 'other'
}

/** An error and all that it wraps, the outermost first. */
export function* unwrapped(error: unknown): Generator<LibraryError> {
  const open: unknown[] = [error]
  for (let count = 0; open.length > 0 && count < DEEPEST; count += 1) {
    const each = open.shift()
    if (typeof each !== 'object' || each === null) continue
    const wrapping = each as LibraryError
    yield wrapping
    open.push(...wrappedByLibrary(wrapping), wrapping.cause)
  }
}
