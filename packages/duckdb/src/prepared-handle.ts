import type { LeaseFence } from '@connmgr/core/driver'
import type { DuckDBExtractedStatements, DuckDBPreparedStatement } from '@duckdb/node-api'
import { endsWithLease, fencePending, fenceStream, replaceMethod } from './lent-results.js'
import { RUNS, STREAMS } from './running-methods.js'
import type { Session } from './session.js'

/** Where a prepared statement belongs. */
export interface PreparedBy {
  readonly session: Session
  /** Of the lease that it ends with; none of the engine's own. */
  readonly fence: LeaseFence | undefined
}

/**
 * Has the runs of a prepared statement followed as those of the connection's own methods are: they are published, keep the
 * connection busy, count as its use, and end with the lease. It remains DuckDB's own object, with methods of its own.
 *
 * @param sql its text; undefined if that is not known, as of one of several that were extracted from a text
 */
export function followPrepared(
  prepared: DuckDBPreparedStatement,
  sql: string | undefined,
  { session, fence }: PreparedBy,
): DuckDBPreparedStatement {
  // These methods call each other: only the outermost is a run.
  let within = false
  for (const name of RUNS)
    replaceMethod(prepared, name, (own) => {
      const run = (args: unknown[]): unknown => {
        within = true
        try {
          // What it calls of the others, it calls before it waits.
          return own.apply(prepared, args)
        } finally {
          within = false
        }
      }
      return async (...args) => {
        if (within) return own.apply(prepared, args)
        if (fence?.active === false) throw fence.refuse(sql)
        const result = (await session.callPrepared(sql, async () => run(args))) as object
        return fence !== undefined && STREAMS.has(name) ? fenceStream(result, fence) : result
      }
    })
  if (fence !== undefined)
    // What they return has it run.
    for (const name of ['start', 'startStream'])
      replaceMethod(prepared, name, (own) => () => {
        if (!fence.active) throw fence.refuse(sql)
        return fencePending(own.call(prepared) as object, fence)
      })
  return prepared
}

/** Has those followed that are prepared of a text that was taken apart. Which part of the text is whose is not known. */
export function followExtracted(
  extracted: DuckDBExtractedStatements,
  sql: string | undefined,
  by: PreparedBy,
): DuckDBExtractedStatements {
  const text = extracted.count === 1 ? sql : undefined
  replaceMethod(
    extracted,
    'prepare',
    (own) =>
      async (...args) =>
        followPrepared((await own.apply(extracted, args)) as DuckDBPreparedStatement, text, by),
  )
  if (by.fence !== undefined) endsWithLease(extracted, by.fence, { later: ['prepare'] }, sql)
  return extracted
}
