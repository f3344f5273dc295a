import mysql2 from 'mysql2'
import type { Command, Internals } from './internals.js'

type CreateQuery = (
  options: object,
  values: undefined,
  callback: (error: unknown, rows?: unknown, fields?: unknown) => void,
  config: object,
) => Command

/** Untyped by mysql2, though it exports it. */
const { createQuery } = mysql2 as unknown as { createQuery: CreateQuery }

const AS_TEXT = {
  rowsAsArray: true,
  nestTables: false,
  typeCast: (field: { string(): string | null }) => field.string(),
}

/** A result whose values come as text. */
export interface OwnResult {
  readonly rows: readonly (readonly (string | null)[])[]
  /** Of its columns. */
  readonly names: readonly string[]
}

/**
 * Runs a statement of the engine's, whatever options the connection has for those of its users. It passes by
 * `connection.query`, which libraries put something before.
 *
 * @param send runs what hands it to the connection
 */
export function askOn(
  internals: Internals,
  sql: string,
  send: (add: () => void) => void,
): Promise<OwnResult> {
  return new Promise((resolve, reject) => {
    const query = createQuery(
      { sql, ...AS_TEXT },
      undefined,
      (error, rows, fields) => {
        if (error) reject(error)
        else
          resolve({
            rows: Array.isArray(rows) ? rows : [],
            names: Array.isArray(fields) ? fields.map(({ name }) => name) : [],
          })
      },
      {},
    )
    send(() => internals.addCommand(query))
  })
}
