import type { Token } from './token.js'

/** Operands that `and` or `or` join, at one level of parentheses. */
interface Chain {
  /** Where each operand begins among the tokens that have been written. */
  starts: number[]
  operator: string | undefined
  /** `a and b or c` is left alone: what repeats there need not mean the same. */
  mixed: boolean
  /** The next `and` belongs to a BETWEEN. */
  between: boolean
}

/** Words around conditions, which no operand contains outside of parentheses. */
const DIVIDERS = new Set(
  'where on having when then else end select from group order limit offset fetch returning set union intersect except using window for left right inner outer cross full join do values'.split(
    ' ',
  ),
)

/** Writes each of the conditions that one `or` or `and` joins once: builders repeat them for each of several keys. */
export function collapseConditions(tokens: readonly Token[]): Token[] {
  const written: Token[] = []
  const chains: Chain[] = [chainAt(0)]
  for (const token of tokens) {
    const chain = chains.at(-1) as Chain
    if (token.type === 'open') {
      written.push(token)
      chains.push(chainAt(written.length))
    } else if (token.type === 'close') {
      finish(chain, written)
      if (chains.length > 1) chains.pop()
      written.push(token)
    } else if (token.type === 'comma' || (token.type === 'word' && DIVIDERS.has(token.text))) {
      finish(chain, written)
      written.push(token)
      Object.assign(chain, chainAt(written.length))
    } else {
      written.push(token)
      if (token.type === 'word') noteWord(chain, token.text, written.length)
    }
  }
  while (chains.length > 0) finish(chains.pop() as Chain, written)
  return written
}

function chainAt(start: number): Chain {
  return { starts: [start], operator: undefined, mixed: false, between: false }
}

function noteWord(chain: Chain, word: string, end: number): void {
  if (word === 'between') chain.between = true
  else if (word === 'and' && chain.between) chain.between = false
  else if (word === 'and' || word === 'or') {
    chain.mixed ||= chain.operator !== undefined && chain.operator !== word
    chain.operator = word
    chain.starts.push(end)
  }
}

function finish({ starts, mixed }: Chain, written: Token[]): void {
  if (mixed || starts.length < 2) return
  const from = starts[0] as number
  const operator = written[(starts[1] as number) - 1] as Token
  const operands = starts.map((start, index) => {
    const next = starts[index + 1]
    return written.slice(start, next === undefined ? written.length : next - 1)
  })
  const once = new Map(operands.map((each) => [each.map(({ text }) => text).join(' '), each]))
  const kept = [...once.values()]
  // One stands beside its like, to remain a chain: `a or a` is neither `a` nor `a and a`.
  if (kept.length === 1) kept.push(kept[0] as Token[])
  if (kept.length === operands.length) return
  written.length = from
  for (const [index, operand] of kept.entries())
    written.push(...(index === 0 ? [] : [operator]), ...operand)
}
