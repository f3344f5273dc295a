/** Where the content of a quoted text begins and ends, without its quotes. */
export interface Quoted {
  readonly from: number
  readonly to: number
}

/** A quote, maybe escaped as in JSON within JSON, maybe with the prefix of an SQL literal. */
const OPENING = /(?:[enbx]|u&)?(\\{0,15})(["'`])/iy
const DOLLAR = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]{0,62})?\$/iy
const DELIMITER = /[\s,;:&)}\]]/
/** SQL joins literals that only a line break parts. */
const CONTINUATION = /[^\S\n]{0,64}\n\s{0,64}'/y

/**
 * The quoted text that begins at `at`, in whichever language: JSON, SQL, a printed object, a connection string within
 * any of these. Where the languages disagree about its end, it reaches to the last one; without an end, to that of the
 * text.
 */
export function quotedAt(text: string, at: number): Quoted | undefined {
  DOLLAR.lastIndex = at
  const tag = DOLLAR.exec(text)?.[0]
  if (tag !== undefined) {
    const end = text.indexOf(tag, at + tag.length)
    return { from: at + tag.length, to: end === -1 ? text.length : end }
  }
  OPENING.lastIndex = at
  const opening = OPENING.exec(text)
  if (opening === null) return undefined
  const [whole, slashes = '', quote = '"'] = opening
  const from = at + whole.length
  return slashes === ''
    ? plainlyQuoted(text, from, quote)
    : { from, to: endOfEscaped(text, from, quote, slashes.length) }
}

/** Closed by a quote that has no more backslashes than the opening one. */
function endOfEscaped(text: string, from: number, quote: string, depth: number): number {
  let slashes = 0
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '\\') slashes += 1
    else if (text[i] !== quote) slashes = 0
    else if (slashes <= depth) return i - slashes
    else slashes = 0
  }
  return text.length
}

function plainlyQuoted(text: string, from: number, quote: string): Quoted {
  const run = lengthOfRun(text, from - 1, quote)
  // An odd number of quotes opens, and doubled ones begin the content. An even one is empty or, in a literal within a
  // literal, opens doubled.
  if (run % 2 === 1) return { from, to: endOfQuoted(text, from, quote, 1) }
  const after = from - 1 + run
  if (after >= text.length || DELIMITER.test(text[after] as string)) return { from, to: after - 1 }
  return { from: after, to: endOfQuoted(text, after, quote, run) }
}

/** @param width how many quotes open and close */
function endOfQuoted(text: string, from: number, quote: string, width: number): number {
  let slashes = 0
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '\\') {
      slashes += 1
      continue
    }
    const escaped = slashes % 2 === 1
    slashes = 0
    if (text[i] !== quote) continue
    const run = lengthOfRun(text, i, quote)
    const doubled = Math.floor(run / (2 * width)) * 2 * width
    // A backslash before a quote escapes it in some languages and does not in others.
    // Nor do they agree on a quote in the middle of a word.
    if (escaped || doubled === run || /\w/.test(text[i + doubled + width] ?? '')) {
      i += run - 1
      continue
    }
    CONTINUATION.lastIndex = i + doubled + width
    if (!CONTINUATION.test(text)) return i + doubled
    i = CONTINUATION.lastIndex - 1
  }
  return text.length
}

function lengthOfRun(text: string, at: number, quote: string): number {
  let end = at
  while (text[end] === quote) end += 1
  return end - at
}
