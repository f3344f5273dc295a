import type { BoundDatabase, BoundStatement, RowFormat } from '../bindings/binding.js'
import { kindOf, type StatementKind } from '../text/statement-kind.js'

/** A prepared statement, with what its text says. */
export interface CachedStatement {
  readonly bound: BoundStatement
  readonly kind: StatementKind
}

/** Enough for the texts of an application; an ORM that writes values into its texts would fill any. */
const MOST = 200

/** The prepared statements of one connection, so that a text is compiled once. The oldest goes first. */
export class StatementCache {
  readonly #statements = new Map<string, CachedStatement>()

  get(database: BoundDatabase, sql: string, format: RowFormat): CachedStatement {
    const key = `${format.arrays === true ? 'a' : 'o'}${format.bigints === true ? 'b' : 'n'}${sql}`
    const cached = this.#statements.get(key)
    if (cached !== undefined) return cached
    const statement = { bound: database.prepare(sql, format), kind: kindOf(sql) }
    if (this.#statements.size >= MOST) {
      const [oldest] = this.#statements.keys()
      if (oldest !== undefined) this.#statements.delete(oldest)
    }
    this.#statements.set(key, statement)
    return statement
  }

  clear(): void {
    this.#statements.clear()
  }
}
