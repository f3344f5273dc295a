/** A name with a parenthesis behind it; of a quoted one with spaces, its end. */
const CALL = /([\w$\u0080-\uffff]+)"?\s*\(/g

/** No functions. */
export const NONE: ReadonlySet<string> = new Set()

/**
 * Whether a text calls one of these functions, by their names alone.
 *
 * @param functions in lower case
 */
export function callsOneOf(text: string, functions: ReadonlySet<string>): boolean {
  if (functions.size === 0) return false
  for (const [, name = ''] of text.matchAll(CALL))
    if (functions.has(name.toLowerCase())) return true
  return false
}
