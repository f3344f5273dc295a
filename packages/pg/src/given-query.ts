import { sameText } from './text/same-text.js'

/** The text of the argument of `client.query`. */
export function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return sameText(query)
  const { text, cursor } = (query ?? {}) as { text?: unknown; cursor?: { text?: unknown } }
  if (typeof text === 'string') return sameText(text)
  // pg-query-stream keeps its text on the cursor inside it.
  return typeof cursor?.text === 'string' ? cursor.text : undefined
}

/** Whether a query is one of a lane, which sees to itself. */
export function isShared(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'lane' in query
}
