import type { PendingQuery } from '../client-internals.js'

/** What a ROLLBACK is answered that need not be sent, as the connection is destroyed. */
const ROLLED_BACK = { command: 'ROLLBACK', rowCount: null, oid: null, fields: [], rows: [] }

/** Has a query fail that is not to be sent, in whichever way its caller would hear of it. */
export function refuse(args: readonly unknown[], error: unknown): unknown {
  const { submit, handleError, callback: own } = (args[0] ?? {}) as PendingQuery
  const last = args.at(-1)
  // A plain query may have its callback in its config.
  const callback = typeof last === 'function' || submit !== undefined ? last : own
  if (typeof callback === 'function') process.nextTick(callback as (error: unknown) => void, error)
  else if (typeof submit === 'function')
    process.nextTick(() => handleError?.call(args[0], error, undefined))
  else return Promise.reject(error)
  return submit === undefined ? undefined : args[0]
}

/** Answers a ROLLBACK that is not sent. */
export function answerRollback(args: readonly unknown[]): unknown {
  const callback = args.at(-1)
  if (typeof callback !== 'function') return Promise.resolve({ ...ROLLED_BACK })
  process.nextTick(callback as (error: null, result: object) => void, null, { ...ROLLED_BACK })
  return undefined
}

/** Calls `decide` when a query that waits is about to be sent. What it returns the query fails with instead. */
export function whenSent(query: PendingQuery, decide: () => Error | undefined): void {
  query.submit = deciding(query, decide)
}

/** Made here, and not where it is set, for the reason given at `LeasedClient`. */
function deciding(
  query: PendingQuery,
  decide: () => Error | undefined,
): NonNullable<PendingQuery['submit']> {
  const { submit } = query
  return (connection) => decide() ?? submit?.call(query, connection)
}
