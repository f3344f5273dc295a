import type { TypeParser } from './standard-query.js'

/** How the values of a column are read: by its parser from a text, as the text itself, as a whole number, as a `Date`. */
export type ColumnKind = typeof PARSED | typeof TEXT | typeof WHOLE | typeof MOMENT

export const PARSED = 0
export const TEXT = 1
export const WHOLE = 2
export const MOMENT = 3

/** Without white space, a function of one parameter that only returns something. */
const RETURNS = /^(?:function\w*\((\w+)\)\{return(.+?);?\}|\(?(\w+)\)?=>(.+))$/
/** Length and hash of the source of parsers that pg-types 2 has. */
const PARSERS: ReadonlyMap<string, ColumnKind> = new Map([
  // Of dates and timestamps: `parseDate` of postgres-date 1.0.7.
  ['1272 -300109186', MOMENT],
  // Of int8, whose numbers stay texts.
  ['112 -308312231', TEXT],
])

/** Parsers that were met once of late. */
const STRANGERS = 32

const kinds = new WeakMap<TypeParser, ColumnKind>()
const strangers: (TypeParser | undefined)[] = new Array(STRANGERS).fill(undefined)
let oldest = 0

/**
 * How the values that a parser is for are read with the same results as by the parser. It is found out when a parser is met again:
 * some libraries, such as Drizzle for timestamps, make one for each column of each query.
 */
export function kindOf(parser: TypeParser): ColumnKind {
  const known = kinds.get(parser)
  if (known !== undefined) return known
  if (!strangers.includes(parser)) {
    strangers[oldest] = parser
    oldest = (oldest + 1) % STRANGERS
    return PARSED
  }
  const kind = found(parser)
  kinds.set(parser, kind)
  return kind
}

function found(parser: TypeParser): ColumnKind {
  if (parser === String) return TEXT
  if (parser === Number || parser === Number.parseInt) return WHOLE
  const source = Function.prototype.toString.call(parser)
  const [, ...form] = RETURNS.exec(source.replaceAll(/\s/g, '')) ?? []
  const [given, returned] = form.filter((part) => part !== undefined)
  switch (returned) {
    case undefined:
      return PARSERS.get(fingerprintOf(source)) ?? PARSED
    case given:
    case `String(${given})`:
      return TEXT
    case `Number(${given})`:
    case `parseInt(${given},10)`:
      return WHOLE
    default:
      return PARSED
  }
}

function fingerprintOf(source: string): string {
  let hash = 0
  for (let at = 0; at < source.length; at += 1) hash = (hash * 31 + source.charCodeAt(at)) | 0
  return `${source.length} ${hash}`
}
