import pg from 'pg'

/** What node-postgres makes of the text of a value. */
export type TypeParser = (text: string) => unknown

/** How the values of a column are read: by its parser from a text, as the text itself, or as a whole number. */
export type ColumnKind = typeof PARSED | typeof TEXT | typeof WHOLE

export const PARSED = 0
export const TEXT = 1
export const WHOLE = 2

/** No type of PostgreSQL has this number, so that no parser is registered for it. */
const NO_TYPE: number = 0xffff_fff0
/** A function, in whatever form, of nothing but `parseInt` with ten. */
const PARSES_INT =
  /^(?:function\s*\w*\s*\((\w+)\)\s*\{\s*return parseInt\(\1,\s*10\);?\s*\}|\(?(\w+)\)?\s*=>\s*parseInt\(\2,\s*10\))$/

const kinds = new WeakMap<TypeParser, ColumnKind>()

/** How the values that a parser is for are read with the same results as by the parser. */
export function kindOf(parser: TypeParser): ColumnKind {
  let kind = kinds.get(parser)
  if (kind === undefined) {
    kind = found(parser)
    kinds.set(parser, kind)
  }
  return kind
}

function found(parser: TypeParser): ColumnKind {
  if (parser === String || parser === pg.types.getTypeParser(NO_TYPE as never, 'text')) return TEXT
  if (parser === Number || parser === Number.parseInt) return WHOLE
  return PARSES_INT.test(Function.prototype.toString.call(parser)) ? WHOLE : PARSED
}
