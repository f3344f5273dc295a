import { BoundedTexts } from '@connmgr/core/driver'
import type { BoundDatabase, BoundStatement, RowFormat } from '../bindings/binding.js'
import { kindOf, type StatementKind } from '../text/statement-kind.js'

/** A prepared statement, with what its text says. */
export interface CachedStatement {
  readonly bound: BoundStatement
  readonly kind: StatementKind
}

/**
 * Of the texts of one format, where each statement counts as 1000 characters beside its text: some 250 short ones, and none
 * longer than 16,000. An ORM that writes values into its texts would fill any cache.
 */
const MOST_CHARACTERS = 256 * 1024

/**
 * The prepared statements of one connection, so that a text is compiled once. Those used lately stay. After a change of the
 * schema SQLite compiles them anew by itself.
 */
export class StatementCache {
  readonly #plain = new BoundedTexts<CachedStatement>(MOST_CHARACTERS)
  /** Of other formats than the default, which are rare. */
  readonly #others = new Map<string, BoundedTexts<CachedStatement>>()

  get(database: BoundDatabase, sql: string, format: RowFormat): CachedStatement {
    const statements = this.#of(format)
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = { bound: database.prepare(sql, format), kind: kindOf(sql) }
      statements.set(sql, statement)
    }
    return statement
  }

  clear(): void {
    this.#plain.clear()
    this.#others.clear()
  }

  #of({ arrays = false, bigints = false }: RowFormat): BoundedTexts<CachedStatement> {
    if (!arrays && !bigints) return this.#plain
    const name = `${arrays ? 'arrays' : 'objects'} ${bigints ? 'bigints' : 'numbers'}`
    let statements = this.#others.get(name)
    if (statements === undefined) {
      statements = new BoundedTexts(MOST_CHARACTERS)
      this.#others.set(name, statements)
    }
    return statements
  }
}
