import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  ConnmgrError,
  TransactionRolledBackError,
} from '@connmgr/core'
import { messageOf, type WriteEnd } from '@connmgr/core/driver'
import type { Catalog } from '../catalog/catalog.js'
import type { ClientInternals, ServerMessage } from '../client-internals.js'
import { isAtomic, isPlainRead, leavesNothing, mayCommitBlock } from '../statement-text.js'
import { isDeliberate, isQueryTimeout, isUnresolved, type Stage } from './evidence.js'
import { severityOf } from './severity.js'
import { UNKNOWN_OUTCOME } from './unknown-outcome.js'

/** What is known of a statement whose connection was lost, or that was given up on. */
export interface InFlight {
  readonly text: string | undefined
  readonly stage: Stage
  /**
   * The server's last word before it began with it: I outside of a transaction, T in one, E in one that has failed.
   * Anything else if that is not known, as of a statement that was sent behind others.
   */
  readonly status: string | null | undefined
  /** Of the database that it was sent to, or will be. */
  readonly catalog?: Catalog | undefined
}

/**
 * The error of a statement whose connection is gone: it was not written, or its outcome is unknown.
 *
 * @param cause what node-postgres says of it
 */
export function lossOf(statement: InFlight, cause: unknown): Error {
  const why = reasonOfSafety(statement)
  const what = isQueryTimeout(cause)
    ? 'the statement was given up on'
    : 'the statement lost its connection'
  return why === undefined
    ? unknownOf(statement, cause, what)
    : new ConnectionLostError(`${what} ${why}: ${messageOf(cause)}`, cause, {
        sent: statement.stage !== 'unsent',
        deliberate: isDeliberate(cause),
      })
}

/**
 * The error of a statement that failed while its connection lives on: the server's own, unless that leaves the outcome
 * open.
 */
export function failureOf(statement: InFlight, error: ServerMessage): unknown {
  return isUnresolved(error) && reasonOfSafety(statement) === undefined
    ? unknownOf(statement, error, 'the statement failed')
    : error
}

/** Whether a statement that succeeds may have written something that stays. */
export function mayWrite({
  text,
  status,
  catalog,
}: Pick<InFlight, 'text' | 'status' | 'catalog'>): boolean {
  if (text === undefined) return true
  return status === 'T' || status === 'E' ? mayCommitBlock(text) : !isPlainRead(text, catalog)
}

/** How a statement that may write has ended that has failed. */
export function endOfFailed(text: string | undefined, error: unknown): WriteEnd {
  if (error instanceof CommitOutcomeUnknownError) return 'unknown'
  const rolledBack = error instanceof TransactionRolledBackError
  // Any other of ours is about what was not sent, or was rolled back.
  if (error instanceof ConnmgrError && !rolledBack) return 'undone'
  // What the client itself failed with, such as with a row that it could not read, may come after a commit.
  const byServer = severityOf(error as ServerMessage) === 'ERROR' && !isUnresolved(error as object)
  return (byServer || rolledBack) && text !== undefined && leavesNothing(text) ? 'undone' : 'kept'
}

/** Why nothing can have been written, undefined if it can. */
function reasonOfSafety({ text, stage, status, catalog }: InFlight): string | undefined {
  if (stage === 'unsent') return 'before it was sent'
  if (text === undefined) return undefined
  if (status === 'E' && !mayCommitBlock(text)) return 'in a transaction that had failed'
  if (status === 'T' && !mayCommitBlock(text))
    return 'before COMMIT was sent, so nothing was committed'
  if (status === 'T' || status === 'E') return undefined
  if (stage === 'aborted' && isAtomic(text))
    return 'as the server ended the session, and was rolled back'
  return isPlainRead(text, catalog) ? 'while it was in flight, and only reads' : undefined
}

function unknownOf(statement: InFlight, cause: unknown, what: string): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    cause,
    `${what} ${circumstances(statement)}; look for its effect before repeating it: ${messageOf(cause)}`,
    UNKNOWN_OUTCOME,
  )
}

function circumstances({ status }: InFlight): string {
  return status === 'T' || status === 'E'
    ? 'while COMMIT was in flight, so the transaction may or may not have been committed'
    : 'while it was in flight, so it may or may not have been executed'
}

/** In which the server begins with the next query. Of those that are sent behind others nothing is known. */
export function statusOf({ pipeline, _txStatus }: ClientInternals): string | null | undefined {
  return pipeline === true ? undefined : _txStatus
}
