import type { RecurringText } from './recurring-texts.js'

/** Statements that one connection keeps at most, and about what they take on the server together. */
const MOST_STATEMENTS = 256
const MOST_BYTES = 8 * 1024 * 1024

/** One that was prepared on one connection, or is about to be. */
export interface Statement {
  readonly name: string
  readonly recurring: RecurringText
  /** What the server has told of the columns of its rows: null for none, undefined before it has. */
  fields: readonly object[] | null | undefined
  lastUse: number
  /** It is to be used no more. */
  gone: boolean
}

/** The statements of one connection, by context and text. Those that have not been used for longest go first. */
export class StatementCache {
  /** By the key of the context in which they were prepared. */
  readonly #contexts = new Map<string, Map<RecurringText, Statement>>()
  #uses = 0
  size = 0
  bytes = 0

  get(context: string, recurring: RecurringText): Statement | undefined {
    const statement = this.#contexts.get(context)?.get(recurring)
    if (statement !== undefined) statement.lastUse = ++this.#uses
    return statement
  }

  /** Adds one. Returns those that have to go for it. */
  add(context: string, name: string, recurring: RecurringText): [Statement, Statement[]] {
    const gone: Statement[] = []
    while (
      this.size > 0 &&
      (this.size >= MOST_STATEMENTS || this.bytes + recurring.bytes > MOST_BYTES)
    )
      gone.push(this.#removeOldest())
    let inContext = this.#contexts.get(context)
    if (inContext === undefined) {
      inContext = new Map()
      this.#contexts.set(context, inContext)
    }
    const lastUse = ++this.#uses
    const statement: Statement = { name, recurring, fields: undefined, lastUse, gone: false }
    inContext.set(recurring, statement)
    this.size += 1
    this.bytes += recurring.bytes
    return [statement, gone]
  }

  remove(statement: Statement): boolean {
    for (const [context, statements] of this.#contexts) {
      if (statements.get(statement.recurring) !== statement) continue
      statements.delete(statement.recurring)
      if (statements.size === 0) this.#contexts.delete(context)
      statement.gone = true
      this.size -= 1
      this.bytes -= statement.recurring.bytes
      return true
    }
    return false
  }

  /** Empties it. */
  clear(): Statement[] {
    const all = [...this.#contexts.values()].flatMap((statements) => [...statements.values()])
    this.#contexts.clear()
    this.size = 0
    this.bytes = 0
    for (const each of all) each.gone = true
    return all
  }

  #removeOldest(): Statement {
    let oldest: Statement | undefined
    for (const statements of this.#contexts.values())
      for (const each of statements.values())
        if (oldest === undefined || each.lastUse < oldest.lastUse) oldest = each
    this.remove(oldest as Statement)
    return oldest as Statement
  }
}
