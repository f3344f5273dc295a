const DASH = 45
const SPACE = 32
const COLON = 58
const POINT = 46
const PLUS = 43
const ZERO = 48
const SECOND_MS = 1000

/**
 * The `Date` of a moment in PostgreSQL's ISO format, as node-postgres makes it: `2026-01-31`, `2026-01-31 12:34:56.789`, or this
 * with a zone as `+00` or `-03:30`. Undefined for whatever else there is, such as years of other than four digits.
 */
export function momentAt(bytes: Buffer, from: number, to: number): Date | undefined {
  const year = numberAt(bytes, from, 2) * 100 + numberAt(bytes, from + 2, 2)
  const month = numberAt(bytes, from + 5, 2) - 1
  const day = numberAt(bytes, from + 8, 2)
  // A two-digit year would be taken for one of the last century.
  if (!(year >= 100 && month >= -1 && day >= 0)) return undefined
  if (bytes[from + 4] !== DASH || bytes[from + 7] !== DASH || to - from < 10) return undefined
  if (to - from === 10) return new Date(year, month, day)
  const hour = numberAt(bytes, from + 11, 2)
  const minute = numberAt(bytes, from + 14, 2)
  const second = numberAt(bytes, from + 17, 2)
  if (!(hour >= 0 && minute >= 0 && second >= 0) || to - from < 19) return undefined
  if (bytes[from + 10] !== SPACE || bytes[from + 13] !== COLON || bytes[from + 16] !== COLON)
    return undefined
  let at = from + 19
  let ms = 0
  if (at < to && bytes[at] === POINT) {
    const digits = digitsUntil(bytes, at + 1, to)
    if (digits === 0 || digits > 6) return undefined
    // In this order it is the number that the text of the fraction stands for.
    ms = SECOND_MS * (numberAt(bytes, at + 1, digits) / 10 ** digits)
    at += 1 + digits
  }
  if (at === to) return new Date(year, month, day, hour, minute, second, ms)
  const offset = offsetAt(bytes, at, to)
  return offset === undefined
    ? undefined
    : new Date(Date.UTC(year, month, day, hour, minute, second, ms) - offset)
}

/** Of a zone such as `+01`, `-03:30` or `+00:19:32`, in milliseconds. */
function offsetAt(bytes: Buffer, from: number, to: number): number | undefined {
  const sign = bytes[from] === PLUS ? 1 : bytes[from] === DASH ? -1 : 0
  if (sign === 0) return undefined
  let seconds = 0
  let unit = 3600
  for (let at = from + 1; ; at += 3) {
    const part = at + 2 <= to ? numberAt(bytes, at, 2) : Number.NaN
    if (!(part >= 0) || unit < 1) return undefined
    seconds += part * unit
    unit /= 60
    if (at + 2 === to) return sign * seconds * SECOND_MS
    if (bytes[at + 2] !== COLON) return undefined
  }
}

/** Of so many digits; NaN if there is anything else. */
function numberAt(bytes: Buffer, from: number, digits: number): number {
  let number = 0
  for (let at = from; at < from + digits; at += 1) {
    const digit = (bytes[at] as number) - ZERO
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

function digitsUntil(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= ZERO + 9) at += 1
  return at - from
}
