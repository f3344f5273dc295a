import type { CommitOutcomeUnknownError } from '../statement-errors.js'

/**
 * When a unit of work is run again by itself.
 *
 * - `never`
 * - `safe`: when it is known that nothing of it was written. It never reached a server, was refused as that is no primary
 *   any more, was rolled back with its connection, or met a serialization failure or a deadlock
 * - `idempotent`: also when it is unknown whether it was committed, as running it twice does no harm
 */
export type ReplayMode = 'never' | 'safe' | 'idempotent'

/** How a unit of work is repeated. What it does besides the database (mails, messages) is repeated with it. */
export interface ReplayOptions {
  /** `@default` 'never' */
  readonly replay?: ReplayMode
  /** Milliseconds from the start after which it is not begun again. `@default` failover.failoverTimeoutMs */
  readonly deadlineMs?: number
}

/** What has become of a COMMIT whose answer was lost. */
export type CommitOutcome = 'committed' | 'not-committed' | 'unknown'

/** How a transaction is repeated. */
export interface TransactionReplayOptions extends ReplayOptions {
  /**
   * Finds out what has become of a COMMIT whose answer was lost: by a row that the transaction writes under a key of its
   * own, or by what the database tells of a transaction. Use another connection. If it was committed, the transaction resolves with its result.
   */
  readonly outcome?: (error: CommitOutcomeUnknownError, attempt: number) => Promise<CommitOutcome>
}

/** How any other unit of work is repeated. */
export interface UnitReplayOptions<T> extends ReplayOptions {
  /** As for a transaction; what was committed comes with the result that is then to be returned. */
  readonly outcome?: (error: CommitOutcomeUnknownError, attempt: number) => Promise<UnitOutcome<T>>
}

/** {@link CommitOutcome} of a unit of work whose result is not known. */
export type UnitOutcome<T> = { readonly committed: T } | 'not-committed' | 'unknown'
