import { READS_OR_CHANGES_ROWS, statementOf, statementsOf } from '../text/shape.js'
import { meaningOf, PLAIN } from './meaning.js'

/** A longer text, such as many rows to insert, is seldom sent again, and takes much memory on the server. */
const LONGEST = 32 * 1024

const BEGINS_PREPARABLE = /^\s*(?:select|insert|update|delete|merge|values|table|with)(?![\w$])/i
/**
 * Constants that mean another time whenever they are read. The server reads constants when it prepares, so that a
 * statement would go on with the time of that: `'today'::date`. The functions `now()` and the like are no constants.
 */
const NOW = /\b(?:now|today|tomorrow|yesterday)\b/gi
/** Behind `now`, if it is the function. */
const CALL = /\s*\(\s*\)\s*(?!')/y
/** A string or a name in escapes, in which such a constant could hide. */
const ESCAPES = /(?:\be'[^']*\\|\bu&['"])/i

/**
 * Whether a text may be prepared at all: one statement that reads or changes rows, after which other texts mean what
 * they meant before, and whose own meaning does not change with the clock.
 */
export function isPreparable(text: string): boolean {
  if (text.length > LONGEST || meaningOf(text) !== PLAIN || dependsOnClock(text)) return false
  const statements = statementsOf(text)
  // With values the server takes no more than one.
  if (statements === undefined) return BEGINS_PREPARABLE.test(text)
  const [statement] = statements
  if (statement === undefined || statements.length > 1) return false
  return READS_OR_CHANGES_ROWS.has(statement.head[0] ?? '') && !statement.selectsInto
}

/**
 * Whether a text without values, which node-postgres sends by the simple protocol, may be prepared as well: it is
 * certain to be a single statement, and has no parameter, which either protocol answers in its own way.
 */
export function isPreparableAlone(text: string): boolean {
  return !text.includes('$') && statementOf(text) !== undefined && isPreparable(text)
}

function dependsOnClock(text: string): boolean {
  if (ESCAPES.test(text)) return true
  for (const { index, 0: word } of text.matchAll(NOW)) {
    CALL.lastIndex = index + word.length
    if (!CALL.test(text) || endsWithQuote(text, index)) return true
  }
  return false
}

function endsWithQuote(text: string, end: number): boolean {
  return text.slice(0, end).trimEnd().endsWith("'")
}
