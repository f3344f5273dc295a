import type { Token } from './token.js'

/**
 * How many numbers stand in lists of IN. Libraries write the keys of what they have read so, and no number can be taken for
 * SQL.
 */
export function numbersInLists(tokens: readonly Token[]): number {
  let count = 0
  tokens.forEach(({ text, type }, index) => {
    if (type !== 'word' || text !== 'in' || tokens[index + 1]?.text !== '(') return
    for (let at = index + 2; tokens[at]?.number === true; at += 2) {
      count += 1
      if (tokens[at + 1]?.type !== 'comma') break
    }
  })
  return count
}
