import { tokensOf } from './lexer.js'

/** True if a statement has parameters like `?1`. */
export function hasNumberedParameters(sql: string): boolean {
  // Most texts have none, and strings that look like one are rare.
  if (!/\?\d/.test(sql)) return false
  for (const { kind, text } of tokensOf(sql))
    if (kind === 'parameter' && /^\?\d/.test(text)) return true
  return false
}
