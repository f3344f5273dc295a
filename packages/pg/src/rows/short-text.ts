/** As hashing and comparing take about as long as the engine takes to make a text of this length. */
const LONGEST_KEPT = 24
const SLOTS = 1024
const ASCII = 128

const SINGLE: readonly string[] = Array.from({ length: ASCII }, (_, code) =>
  String.fromCharCode(code),
)
/** Of the whole process: columns of few values have the same texts on all connections. */
const kept: string[] = new Array(SLOTS).fill('')

/**
 * The text of some bytes in UTF-8. A short one that was read lately is handed out again, which is quicker than to have the
 * engine make it, and leaves nothing to collect: most columns of most tables have few values.
 */
export function textAt(bytes: Buffer, from: number, to: number): string {
  const length = to - from
  if (length > LONGEST_KEPT) return bytes.toString('utf8', from, to)
  if (length === 0) return ''
  let hash = length
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number
    if (byte >= ASCII) return bytes.toString('utf8', from, to)
    hash = (hash * 31 + byte) | 0
  }
  if (length === 1) return SINGLE[bytes[from] as number] as string
  const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1)
  const text = kept[slot] as string
  if (text.length === length && isAt(text, bytes, from)) return text
  const fresh = bytes.toString('latin1', from, to)
  kept[slot] = fresh
  return fresh
}

function isAt(text: string, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < text.length; at += 1)
    if (text.charCodeAt(at) !== bytes[from + at]) return false
  return true
}
