/** Of all tags of one statement. */
const MOST_TAGS = 12
const LONGEST = 120
const PAIR = /^\s*([\w.%:-]+)='((?:[^'\\]|\\.)*)'\s*(,|$)/
/** Change with each call: they name an execution, not a statement. */
const PER_CALL = new Set(['traceparent', 'tracestate', 'trace_id', 'span_id', 'request_id'])

const NONE: Readonly<Record<string, string>> = Object.freeze({})

/** Reads the tags that comments carry in sqlcommenter's form, `key='value',other='value'`, less those of a single call. */
export function tagsOf(comments: readonly string[]): Readonly<Record<string, string>> {
  if (comments.length === 0) return NONE
  const tags = new Map<string, string>()
  for (const comment of comments) {
    const found = pairsOf(comment)
    if (found === undefined) continue
    for (const [key, value] of found)
      if (!PER_CALL.has(key) && tags.size < MOST_TAGS) tags.set(key, value)
  }
  return tags.size === 0 ? NONE : Object.freeze(Object.fromEntries(tags))
}

/** Undefined if the comment is not made of pairs alone. */
function pairsOf(comment: string): [string, string][] | undefined {
  const pairs: [string, string][] = []
  for (let rest = comment; rest !== ''; ) {
    const match = PAIR.exec(rest)
    if (match === null) return undefined
    const [whole, key = '', value = ''] = match
    pairs.push([decoded(key), decoded(value.replaceAll("\\'", "'"))])
    rest = rest.slice(whole.length)
  }
  return pairs
}

function decoded(text: string): string {
  let plain = text
  try {
    plain = decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing: the text as it is.
  }
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST)}…`
}
