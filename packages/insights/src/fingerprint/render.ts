import type { Token } from './token.js'

/** Writes tokens as a person would: no space inside parentheses, before commas, or between a function and its arguments. */
export function render(tokens: readonly Token[]): string {
  let text = ''
  let before: Token | undefined
  for (const token of tokens) {
    text += before === undefined || isTight(before, token) ? token.text : ` ${token.text}`
    before = token
  }
  return text
}

const SPACED_BEFORE_PARENTHESIS = new Set(
  'in and or not values where as on select from exists any all then when else using over with by set between like returning into union except intersect key join lateral filter interval if'.split(
    ' ',
  ),
)

function isTight(before: Token, token: Token): boolean {
  if (token.type === 'comma' || token.type === 'close' || token.type === 'dot') return true
  if (token.type === 'end' || before.type === 'open' || before.type === 'dot') return true
  if (before.text === '::' || token.text === '::' || before.text === '@') return true
  if (token.text === '[') return before.type !== 'operator' && before.type !== 'comma'
  if (token.text !== '(') return false
  return (
    before.type === 'name' ||
    (before.type === 'word' && !SPACED_BEFORE_PARENTHESIS.has(before.text))
  )
}
