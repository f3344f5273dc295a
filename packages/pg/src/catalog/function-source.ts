import { Lexer } from '../text/lexer.js'

/** What a function in SQL or PL/pgSQL names and calls. */
export interface Source {
  readonly names: ReadonlySet<string>
  readonly calls: ReadonlySet<string>
  readonly operators: ReadonlySet<string>
}

/** Words by which a function may change its session, or that show too little of what it does. */
const WILD: ReadonlySet<string> = new Set(
  `alter call create deallocate discard execute import listen load prepare reset security temp temporary unlisten`.split(
    ' ',
  ),
)
/** Words of PL/pgSQL that may stand before a parenthesis, and call nothing. */
const SYNTAX: ReadonlySet<string> = new Set(
  `assert begin diagnostics elseif elsif exception exit foreach if in loop perform raise return slice strict while`.split(
    ' ',
  ),
)
/** What a statement begins behind; a label ends in an operator. */
const BEGINS_STATEMENT: ReadonlySet<string> = new Set([
  '',
  ';',
  'begin',
  'else',
  'loop',
  'operator',
  'then',
])
const NO_CALL_AFTER: ReadonlySet<string> = new Set(['into', 'as', 'with', 'recursive', '::'])

/** Reads the source of a function; undefined if it may change the session, or cannot be read with certainty. */
export function readSource(text: string): Source | undefined {
  const lexer = new Lexer(text)
  const names = new Set<string>()
  const calls = new Set<string>()
  const operators = new Set<string>()
  let last = ''
  let lead = ''
  let name: string | undefined
  for (;;) {
    const kind = lexer.next()
    if (kind === 'unclear') return undefined
    // Without a source there is nothing to judge by: the body of a function in standard SQL is kept elsewhere.
    if (kind === 'end') return names.size === 0 ? undefined : { names, calls, operators }
    const { value } = lexer
    if (kind === 'word' && (WILD.has(value) || (value === 'set' && BEGINS_STATEMENT.has(last))))
      return undefined
    if (kind === 'operator') operators.add(value)
    if (value === '(' && name !== undefined && !SYNTAX.has(name) && !NO_CALL_AFTER.has(lead))
      calls.add(name)
    if (kind === 'word' || kind === 'name') {
      if (last !== '.') lead = last
      name = value.toLowerCase()
      names.add(name)
    } else name = undefined
    last = kind === 'word' || kind === 'mark' ? value : kind
  }
}
