import { AbortedError, ConnectionDestroyedError, QueryTimeoutError } from '@connmgr/core'
import { isError } from '@connmgr/core/driver'
import { DatabaseBusyError } from './errors.js'

/** Causes are not nested deeper than that, unless they run in circles. */
const DEEPEST = 12

/** Whether an error comes of a limit that was set on purpose, or of an end that was asked for. */
export function isDeliberate(error: unknown): boolean {
  let each = error
  for (let depth = 0; depth < DEEPEST && isError(each); depth += 1) {
    if (
      each instanceof DatabaseBusyError ||
      each instanceof QueryTimeoutError ||
      each instanceof ConnectionDestroyedError ||
      each instanceof AbortedError
    )
      return true
    each = each.cause
  }
  return false
}
