import { BoundedTexts } from '@connmgr/core/driver'
import { summaryOf } from './statement-summary.js'

/** How a span names a statement. */
export interface SpanText {
  /** Operations and tables; empty if there are none. */
  readonly summary: string
  /** Without values; empty if it is not shown at all. */
  readonly text: string
}

/** Of all texts that are remembered. */
const MOST_CHARACTERS = 500_000
/** Of a text that is shown. Those that programs write can be megabytes long. */
const LONGEST_TEXT = 4000

/** What may be a value: anything in quotes, a number that is no placeholder's, `true` and `false`. */
const MAY_HOLD_VALUE = /['"]|\$[^\s\d]*\$|(?<![\w$?:@])\.?\d|\b(?:true|false)\b/i
/** In most databases double quotes are around names, and MySQL's around values. */
const QUOTED_NAME = /"(?:[^"]|"")*"/g
const CONSTANT = /(?<!\bis\s|\bnot\s)\b(?:true|false)\b/gi

/** How spans show the statements of one manager. It takes longer to find than some statements to run, so it is remembered. */
export class StatementTexts {
  readonly #known = new BoundedTexts<SpanText>(MOST_CHARACTERS)
  readonly #fingerprint: (sql: string) => string | undefined

  /** @param fingerprint the shape of a statement: without values and comments */
  constructor(fingerprint: (sql: string) => string | undefined) {
    this.#fingerprint = fingerprint
  }

  of(sql: string, database: string): SpanText {
    let known = this.#known.get(sql)
    if (known === undefined) {
      known = this.#read(sql, database)
      this.#known.set(sql, known)
    }
    return known
  }

  #read(sql: string, database: string): SpanText {
    if (sql === '') return { summary: '', text: '' }
    const shape = this.#fingerprint(sql)
    if (shape === undefined) return { summary: '', text: '' }
    const plain = database === 'mysql' ? sql : sql.replace(QUOTED_NAME, '')
    const text = MAY_HOLD_VALUE.test(plain) ? shape.replace(CONSTANT, '?') : sql
    return {
      summary: summaryOf(shape),
      text: text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text,
    }
  }
}
