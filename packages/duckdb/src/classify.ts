import { ConnectionLostError } from '@connmgr/core'
import { type FailureKind, isError } from '@connmgr/core/driver'

/** The errors of DuckDB have no codes: what they are is said by the beginning of their text, and by some of its words. */
const KINDS: readonly (readonly [RegExp, FailureKind])[] = [
  // Another process has it.
  [/^IO Error: Could not set lock on file/, 'busy'],
  [/^IO Error: .*not a valid DuckDB database file/, 'setup'],
  [/^(?:IO|Connection|Permission) Error: /, 'unreachable'],
  [/^FATAL Error: |database has been invalidated|^INTERNAL Error: /, 'lost'],
  [/connection disconnected|connection closed/i, 'lost'],
  [/^TransactionContext Error: (?:Transaction )?conflict/i, 'serialization'],
  [
    /^TransactionContext Error: .*(?:write-write conflict|altered by another transaction|has been deleted)/i,
    'serialization',
  ],
  // What each transaction alone was allowed to do, and both together are not.
  [/^TransactionContext Error: Failed to commit: .*(?:violation|conflict)/i, 'serialization'],
  [/transaction is launched in read-only mode|attached in read-only mode/, 'read-only'],
]

/** What an error means. */
export function classify(error: unknown): FailureKind {
  if (error instanceof ConnectionLostError) return 'lost'
  const message = isError(error) ? error.message : undefined
  if (message === undefined) return 'statement'
  return KINDS.find(([text]) => text.test(message))?.[1] ?? 'statement'
}

/** DuckDB has given up the whole database, and with it every connection. */
export function isFatalForAll(error: unknown): boolean {
  return isError(error) && /^FATAL Error: |database has been invalidated/.test(error.message)
}

/** A ROLLBACK or COMMIT found no transaction. */
export function hasNoTransaction(error: unknown): boolean {
  return isError(error) && /no transaction is active/.test(error.message)
}

/** An earlier error has aborted the transaction. */
export function isAborted(error: unknown): boolean {
  return isError(error) && /transaction is aborted/.test(error.message)
}
