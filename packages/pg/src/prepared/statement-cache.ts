import type { Field } from '../rows/standard-query.js'
import type { RecurringText } from './recurring-texts.js'
import type { TimedStatement } from './times/plan-trial.js'

/** Statements that one connection keeps at most, and about what they take on the server together. */
const MOST_STATEMENTS = 256
const MOST_BYTES = 8 * 1024 * 1024

/** One that was prepared on one connection, or is about to be. */
export interface Statement extends TimedStatement {
  readonly name: string
  readonly recurring: RecurringText
  /** What the text that the server gets has at its end. */
  readonly mark: string
  /** A pooler may run it on any process of the server, each of which has prepared it at another time, for other columns maybe. */
  readonly pooled: boolean
  /** The columns of its rows, as the server has described them: null for none, undefined before it has. */
  fields: readonly Field[] | null | undefined
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

  get byName(): ReadonlyMap<string, Statement> {
    return new Map(this.#all().map((each) => [each.name, each]))
  }

  get(context: string, recurring: RecurringText): Statement | undefined {
    const statement = this.#contexts.get(context)?.get(recurring)
    if (statement !== undefined) statement.lastUse = ++this.#uses
    return statement
  }

  /** Adds one. Returns those that have to go for it. */
  add(
    context: string,
    fresh: Pick<Statement, 'name' | 'recurring' | 'mark' | 'pooled'>,
  ): [Statement, Statement[]] {
    const { recurring } = fresh
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
    const statement: Statement = {
      ...fresh,
      fields: undefined,
      lastUse,
      gone: false,
      runs: 0,
      latest: 0,
    }
    inContext.set(recurring, statement)
    recurring.statements += 1
    this.size += 1
    this.bytes += recurring.bytes
    return [statement, gone]
  }

  remove(statement: Statement): boolean {
    for (const [context, statements] of this.#contexts) {
      if (statements.get(statement.recurring) !== statement) continue
      statements.delete(statement.recurring)
      if (statements.size === 0) this.#contexts.delete(context)
      retire(statement)
      this.size -= 1
      this.bytes -= statement.recurring.bytes
      return true
    }
    return false
  }

  /** Empties it. */
  clear(): Statement[] {
    const all = this.#all()
    this.#contexts.clear()
    this.size = 0
    this.bytes = 0
    for (const each of all) retire(each)
    return all
  }

  #all(): Statement[] {
    return [...this.#contexts.values()].flatMap((statements) => [...statements.values()])
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

function retire(statement: Statement): void {
  statement.gone = true
  statement.recurring.statements -= 1
}
