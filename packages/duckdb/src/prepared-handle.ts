import type { DuckDBExtractedStatements, DuckDBPreparedStatement } from '@duckdb/node-api'
import { RUNS } from './running-methods.js'
import type { Session } from './session.js'

/**
 * Has the runs of a prepared statement followed as those of the connection's own methods are: they are published, keep the
 * connection busy, and count as its use. It remains DuckDB's own object, with methods of its own.
 *
 * @param sql its text; undefined if that is not known, as of one of several that were extracted from a text
 */
export function followPrepared(
  prepared: DuckDBPreparedStatement,
  sql: string | undefined,
  session: Session,
): DuckDBPreparedStatement {
  const methods = prepared as unknown as Record<
    PropertyKey,
    (...args: unknown[]) => Promise<unknown>
  >
  // `start` and `startStream` have it run by what they return. These methods call each other: only the outermost is a run.
  let within = false
  for (const name of RUNS) {
    const own = methods[name]
    if (typeof own !== 'function') continue
    const run = (args: unknown[]): Promise<unknown> => {
      within = true
      try {
        // What it calls of the others, it calls before it waits.
        return own.apply(prepared, args)
      } finally {
        within = false
      }
    }
    const followed = (...args: unknown[]): Promise<unknown> =>
      within ? own.apply(prepared, args) : session.callPrepared(sql, () => run(args))
    Object.defineProperty(prepared, name, { value: followed, configurable: true, writable: true })
  }
  return prepared
}

/** Has those followed that are prepared of a text that was taken apart. Which part of the text is whose is not known. */
export function followExtracted(
  extracted: DuckDBExtractedStatements,
  sql: string | undefined,
  session: Session,
): DuckDBExtractedStatements {
  const { count } = extracted
  const text = count === 1 ? sql : undefined
  const prepare = extracted.prepare.bind(extracted)
  const followed = async (index: number): Promise<DuckDBPreparedStatement> =>
    followPrepared(await prepare(index), text, session)
  Object.defineProperty(extracted, 'prepare', {
    value: followed,
    configurable: true,
    writable: true,
  })
  return extracted
}
