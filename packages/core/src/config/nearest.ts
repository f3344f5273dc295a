/** A known name that another is a slip of, and by what its value is to be multiplied if it names another unit. */
export interface Likeness {
  readonly name: string
  /** undefined if the unit is the same, or none is named. */
  readonly factor: number | undefined
}

const UNITS: readonly (readonly [ending: RegExp, inMs: number])[] = [
  [/(?:milliseconds?|millis|msecs?|ms)$/, 1],
  [/(?:seconds?|secs?)$/, 1000],
  [/(?:minutes?|mins?)$/, 60_000],
]

/**
 * The known name that was probably meant: the same but for capitals, separators and unit, or one with so few slips for
 * its length that it can hardly be another word. Undefined rather than a guess.
 */
export function nearestName(name: string, known: readonly string[]): Likeness | undefined {
  const given = withoutUnit(name)
  let best: Likeness | undefined
  let least = Number.POSITIVE_INFINITY
  for (const each of known) {
    const other = withoutUnit(each)
    const length = Math.min(given.stem.length, other.stem.length)
    const slips = Math.min(distance(given.stem, other.stem), distance(given.plain, other.plain))
    if (slips >= least || slips > slipsAllowed(length)) continue
    // A count is not meant as a time.
    if (given.inMs !== undefined && other.inMs === undefined) continue
    least = slips
    const converts = given.inMs !== undefined && given.inMs !== other.inMs
    best = { name: each, factor: converts ? given.inMs : undefined }
  }
  return best
}

/** One in five letters, and so none in the shortest words, which differ by less. */
function slipsAllowed(length: number): number {
  return Math.min(3, Math.floor(length / 5))
}

function withoutUnit(name: string): {
  plain: string
  stem: string
  inMs: number | undefined
} {
  const plain = name.toLowerCase().replace(/[-_. ]/g, '')
  for (const [ending, inMs] of UNITS) {
    const stem = plain.replace(ending, '')
    if (stem !== plain && stem !== '') return { plain, stem, inMs }
  }
  return { plain, stem: plain, inMs: undefined }
}

/** Letters to change, add, leave out, or swap with their neighbour, to get from one text to the other. */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] as number) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length] as number
}
