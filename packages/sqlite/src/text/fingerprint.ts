import { tokensOf } from './lexer.js'

const LONGEST = 4000
const TIGHT_BEFORE: ReadonlySet<string> = new Set([',', ')', '.', ';', '('])
const TIGHT_AFTER: ReadonlySet<string> = new Set(['(', '.'])

/** The shape of a statement: without literals, comments and superfluous blanks, cut off where it is long. */
export function fingerprint(sql: string): string {
  let shape = ''
  let previous = ''
  for (const { kind, text } of tokensOf(sql)) {
    const shown =
      kind === 'string' || kind === 'blob' || kind === 'number' || kind === 'parameter' ? '?' : text
    const tight = shape === '' || TIGHT_BEFORE.has(shown) || TIGHT_AFTER.has(previous)
    shape += tight ? shown : ` ${shown}`
    previous = shown
    if (shape.length > LONGEST) return `${shape.slice(0, LONGEST)}…`
  }
  // `in (?, ?, ?)` has the shape of `in (?)`.
  return shape.replace(/\?(?:, \?)+/g, '?').replace(/;$/, '')
}
