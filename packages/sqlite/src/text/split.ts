import { tokensOf } from './lexer.js'

/**
 * Splits a script into its statements, without their semicolons. The body of a trigger belongs to the statement that
 * creates it: that ends with `; end;`, as for the shell of SQLite.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  /** The first words of the statement. */
  let head: string[] = []
  let start: number | undefined
  let [previous, beforePrevious] = ['', '']
  for (const { kind, text, at } of tokensOf(sql)) {
    const word = kind === 'word' ? text.toLowerCase() : text
    if (word === ';' && (!createsTrigger(head) || (previous === 'end' && beforePrevious === ';'))) {
      if (start !== undefined) statements.push(sql.slice(start, at).trimEnd())
      start = undefined
      head = []
    } else {
      start ??= at
      if (head.length < LONGEST_HEAD) head.push(word)
    }
    beforePrevious = previous
    previous = word
  }
  if (start !== undefined) statements.push(sql.slice(start).trimEnd())
  return statements
}

/** `explain query plan create temp trigger` */
const LONGEST_HEAD = 6

function createsTrigger(head: readonly string[]): boolean {
  const from = head.indexOf('create')
  if (from < 0 || (from > 0 && head[0] !== 'explain')) return false
  const next = head[from + 1]
  return (next === 'temp' || next === 'temporary' ? head[from + 2] : next) === 'trigger'
}
