import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  ConnmgrError,
  TransactionRolledBackError,
} from '@connmgr/core'
import { messageOf, type WriteEnd } from '@connmgr/core/driver'
import { isAnswerOfServer, isClientTimeout, isDeliberate } from '../errors/classify.js'
import { isAtomic, isPlainRead, leavesNothing, mayCommitBlock } from '../text/statement-text.js'
import { UNKNOWN_OUTCOME } from './unknown-outcome.js'

/**
 * What is known of a statement that has no answer.
 *
 * - `unsent`: not a byte of it was written
 * - `sent`: it was, and nothing proves that it was not executed, or not committed
 * - `aborted`: the server has answered that it ended the session before the statement was done
 */
export type Stage = 'unsent' | 'sent' | 'aborted'

/** Where a statement began, by the server's last word before it. */
export type Surroundings = 'outside' | 'transaction' | 'unknown'

/** What is known of a statement whose connection was lost, or that was given up on. */
export interface InFlight {
  readonly text: string | undefined
  readonly stage: Stage
  readonly begun: Surroundings
  /** Whether all tables that it may write to take part in transactions. In doubt they do not. */
  readonly transactional: boolean
  /** A part of the engine's transaction that it belongs to is committed already, by DDL for example. */
  readonly committedBefore?: boolean
}

/** Of what was never sent, whatever it is. */
export const UNSENT: InFlight = {
  text: undefined,
  stage: 'unsent',
  begun: 'unknown',
  transactional: false,
}

/**
 * The error of a statement whose connection is gone: it was not written, or its outcome is unknown.
 *
 * @param cause what mysql2 reports
 */
export function lossOf(statement: InFlight, cause: unknown): Error {
  const why = reasonOfSafety(statement)
  const what = isClientTimeout(cause)
    ? 'the statement was given up on'
    : 'the statement lost its connection'
  if (why === undefined)
    return new CommitOutcomeUnknownError(
      cause,
      `${what} ${circumstances(statement)}; look for its effect before repeating it: ${messageOf(cause)}`,
      UNKNOWN_OUTCOME,
    )
  return new ConnectionLostError(`${what} ${why}: ${messageOf(cause)}`, cause, {
    sent: statement.stage !== 'unsent',
    deliberate: isDeliberate(cause),
  })
}

/** Whether a statement that succeeds may have written something that stays. */
export function mayWrite({ begun, text, transactional }: Omit<InFlight, 'stage'>): boolean {
  if (text === undefined) return true
  if (begun === 'transaction' && mayCommitBlock(text)) return true
  if (begun === 'transaction' && transactional) return false
  return !isPlainRead(text)
}

/** How a statement that may write has ended that has failed. */
export function endOfFailed({ text, transactional }: InFlight, error: unknown): WriteEnd {
  if (error instanceof CommitOutcomeUnknownError) return 'unknown'
  const rolledBack = error instanceof TransactionRolledBackError
  // Any other of ours is about what was not sent, or was rolled back.
  if (error instanceof ConnmgrError && !rolledBack) return 'undone'
  // What the client itself failed with, such as with a row that it could not read, may come after a commit.
  if (!isAnswerOfServer(error) && !rolledBack) return 'kept'
  return transactional && text !== undefined && leavesNothing(text) ? 'undone' : 'kept'
}

/** Why nothing can have been written, undefined if it can. */
function reasonOfSafety(statement: InFlight): string | undefined {
  const { begun, committedBefore, stage, text, transactional } = statement
  if (committedBefore === true) return undefined
  if (stage === 'unsent') return 'before it was sent'
  if (text === undefined) return undefined
  if (begun === 'transaction')
    return transactional && !mayCommitBlock(text)
      ? 'before COMMIT was sent, so nothing was committed'
      : undefined
  if (stage === 'aborted' && transactional && isAtomic(text))
    return 'as the server ended the session, and was rolled back'
  return isPlainRead(text) ? 'while it was in flight, and only reads' : undefined
}

function circumstances({ begun, committedBefore, text, transactional }: InFlight): string {
  if (committedBefore === true)
    return 'after a part of its transaction had been committed without COMMIT, as DDL does it'
  if (begun !== 'transaction')
    return 'while it was in flight, so it may or may not have been executed'
  return !transactional && text !== undefined && !mayCommitBlock(text)
    ? 'in a transaction of a database that has, or may have, tables that keep what is written to them without COMMIT'
    : 'while COMMIT was in flight, so the transaction may or may not have been committed'
}
