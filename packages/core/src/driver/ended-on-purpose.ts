import { AbortedError, isError } from '../errors.js'
import { ConnectionDestroyedError, QueryTimeoutError } from '../statement-errors.js'

/** Causes are not nested deeper than that, unless they run in circles. */
const DEEPEST = 12

/**
 * Whether an error, or a cause of it, comes of a limit that was set on purpose, or of an end that was asked for.
 *
 * @param isLimit whether one error is such a limit of the database's own; `@default` none is
 */
export function isEndedOnPurpose(
  error: unknown,
  isLimit: (error: Error) => boolean = () => false,
): boolean {
  let each = error
  for (let depth = 0; depth < DEEPEST && isError(each); depth += 1) {
    if (
      each instanceof QueryTimeoutError ||
      each instanceof ConnectionDestroyedError ||
      each instanceof AbortedError ||
      isLimit(each)
    )
      return true
    each = each.cause
  }
  return false
}
