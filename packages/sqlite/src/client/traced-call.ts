import type { StatementTrace, StatementTracer } from '@connmgr/core/driver'

/**
 * A call that runs one statement, which is published from its beginning, before it has a connection.
 *
 * @param run runs it; given what hands it over to the connection that it runs on
 */
export function tracedCall<T>(
  queries: StatementTracer,
  sql: string,
  run: (handOver: StatementTrace['handOver']) => Promise<T>,
): Promise<T> {
  if (!queries.active) return run((call) => call())
  const trace = queries.begin(sql)
  return trace.run(() =>
    run((call) => trace.handOver(call)).then(
      (value) => {
        trace.succeeded(undefined)
        return value
      },
      (error: unknown) => {
        trace.failed(error)
        throw error
      },
    ),
  )
}
