import { isError } from '../errors.js'

const NAMES: ReadonlySet<string> = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
])
/** Causes of causes that are looked at. */
const DEPTH = 5

/**
 * Whether an error is a mistake in the program, such as a function for the password that reads a property of undefined: no
 * server has had a part in it. What Node or a system call reports has a code, on the error itself or on a cause.
 */
export function isProgrammingError(error: unknown): error is Error {
  if (!isError(error) || !NAMES.has(error.name)) return false
  let each: unknown = error
  for (let depth = 0; depth < DEPTH && isError(each); depth += 1) {
    const { code, syscall, cause } = each as { code?: unknown; syscall?: unknown; cause?: unknown }
    if (code !== undefined || syscall !== undefined) return false
    if (Array.isArray((each as { errors?: unknown }).errors)) return false
    each = cause
  }
  return true
}
