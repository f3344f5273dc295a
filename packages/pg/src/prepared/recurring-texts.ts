import { callsOneOf, NONE } from './defining-calls.js'
import { Doorkeeper } from './doorkeeper.js'
import { isPreparable, isPreparableAlone } from './preparable.js'
import type { PlanTimes } from './times/plan-times.js'

/** Uses, over all connections of a manager, from which on a text counts as one that recurs. */
const RECURS_AT = 5
const MOST_TEXTS = 1000
const MOST_CHARACTERS = 2 * 1024 * 1024
/** Part of the texts that goes when there are too many. */
const SHARE_TO_FORGET = 1 / 8
/**
 * What a statement takes in the server's memory, measured on PostgreSQL 18 by pg_backend_memory_contexts with its generic
 * plan: one row by its key 15 kB, an insert 31 kB, a join of five tables with a text of 1,600 characters 186 kB.
 */
const BYTES_PER_STATEMENT = 12 * 1024
const BYTES_PER_CHARACTER = 110

/** A text that has come so often that it is worth preparing. */
export class RecurringText {
  readonly text: string
  /** About what a statement of this text takes on the server, on each connection. */
  readonly bytes: number
  /** Counts uses of all texts; for finding those that have not been used for long. */
  lastUse = 0
  /** That are prepared now, on all connections. */
  statements = 0
  /** How long its runs take; undefined before it is prepared. */
  times: PlanTimes | undefined
  readonly #withValues: boolean
  #alone: boolean | undefined
  #functions = NONE
  #callsThem = false

  constructor(text: string) {
    this.text = text
    this.bytes = BYTES_PER_STATEMENT + BYTES_PER_CHARACTER * text.length
    this.#withValues = isPreparable(text)
  }

  /** @param extended whether node-postgres sends it by the extended protocol, as it does if there are values */
  isPreparable(extended: boolean): boolean {
    if (extended || !this.#withValues) return this.#withValues
    this.#alone ??= isPreparableAlone(this.text)
    return this.#alone
  }

  /** Whether it calls one of these functions. Looks at the text again only for another set. */
  callsOneOf(functions: ReadonlySet<string>): boolean {
    if (functions !== this.#functions) {
      this.#functions = functions
      this.#callsThem = callsOneOf(this.text, functions)
    }
    return this.#callsThem
  }
}

/**
 * The texts of one manager that recur. What one connection has learned all know; how much is remembered is bounded, and a
 * text that has come once is not remembered at all.
 */
export class RecurringTexts {
  readonly #doorkeeper = new Doorkeeper()
  readonly #texts = new Map<string, RecurringText>()
  #characters = 0
  #uses = 0

  get size(): number {
    return this.#texts.size
  }

  [Symbol.iterator](): Iterator<RecurringText> {
    return this.#texts.values()
  }

  /** One that is known to recur. */
  get(text: string): RecurringText | undefined {
    const known = this.#texts.get(text)
    if (known !== undefined) known.lastUse = ++this.#uses
    return known
  }

  /** Counts a use of a text that is not known to recur. Returns it if it does from now on. */
  count(text: string): RecurringText | undefined {
    if (this.#doorkeeper.count(text) < RECURS_AT) return undefined
    const recurring = new RecurringText(text)
    recurring.lastUse = ++this.#uses
    this.#texts.set(text, recurring)
    this.#characters += text.length
    if (this.#texts.size > MOST_TEXTS || this.#characters > MOST_CHARACTERS) this.#forget()
    return recurring
  }

  #forget(): void {
    const byUse = [...this.#texts.values()].sort((a, b) => a.lastUse - b.lastUse)
    const most = MOST_CHARACTERS * (1 - SHARE_TO_FORGET)
    const count = Math.ceil(byUse.length * SHARE_TO_FORGET)
    for (const [index, { text }] of byUse.entries()) {
      if (index >= count && this.#characters <= most) break
      this.#texts.delete(text)
      this.#characters -= text.length
    }
  }
}
