import type { BeginOptions, ConnectionCondition, Driver } from '../driver/contract.js'
import type { FailureKind } from '../driver/failure-kind.js'
import { UnsupportedError } from '../errors.js'
import { currentEffects, type WriteEnd } from '../flow/effects.js'
import type { Lease } from '../pool/lease.js'
import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  TransactionRolledBackError,
} from '../statement-errors.js'

/** Failures by which no statement after them has reached the server. */
const LOSSES: ReadonlySet<FailureKind> = new Set(['lost', 'shutdown', 'unreachable'])
/** Answers of a server to COMMIT that prove that it has rolled back. */
const REFUSALS: ReadonlySet<FailureKind> = new Set(['serialization', 'read-only', 'statement'])

/**
 * The error of a COMMIT that was sent and failed: the driver's or server's own if it proves that nothing was committed,
 * and otherwise one that says that the outcome is unknown.
 *
 * @param condition what state the connection is in after it
 * @param unknownCode the database's own code for an unknown outcome
 */
export function failedCommit(
  error: unknown,
  kind: FailureKind,
  condition: ConnectionCondition,
  unknownCode?: string,
): unknown {
  const said =
    error instanceof CommitOutcomeUnknownError ||
    error instanceof ConnectionLostError ||
    error instanceof TransactionRolledBackError
  // A server that answers goes on with the session; an error that broke it may have been anybody's.
  if (said || (REFUSALS.has(kind) && condition !== 'broken')) return error
  return new CommitOutcomeUnknownError(error, undefined, unknownCode)
}

/** The error of a transaction whose connection was lost before COMMIT was sent. */
function lostBefore(what: 'COMMIT was sent' | 'the transaction had begun', error: unknown): Error {
  if (error instanceof ConnectionLostError) return error
  return new ConnectionLostError(
    `the connection was lost before ${what}, so nothing was committed`,
    // Of what was sent before there is nothing that could have been committed.
    error instanceof CommitOutcomeUnknownError ? error.cause : error,
    { sent: false },
  )
}

/**
 * Runs `work` between BEGIN and COMMIT on the lease's connection, or ROLLBACK if it throws. Ends the lease.
 *
 * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if the connection was lost while COMMIT was in
 * flight; any other error means that nothing was committed
 * @throws ConnectionLostError `CONNMGR_CONNECTION_LOST` if it was lost before COMMIT was sent
 */
export async function inTransaction<C extends object, T>(
  driver: Driver<C>,
  lease: Lease<C>,
  options: BeginOptions,
  work: (connection: C, lease: Lease<C>) => Promise<T>,
  rollBackWithin: <R>(rollback: Promise<R>) => Promise<R>,
): Promise<T> {
  const { connection } = lease.entry
  const { transactions } = driver
  try {
    if (transactions === undefined)
      throw new UnsupportedError(`the ${driver.name} driver has no transactions; use manager.use()`)
    await transactions.begin(connection, options).catch((error: unknown) => {
      throw LOSSES.has(driver.classify(error))
        ? lostBefore('the transaction had begun', error)
        : error
    })
    const effects = currentEffects()
    let ended: ((end: WriteEnd) => void) | undefined
    const workAndNote = async (...given: [C, Lease<C>]): Promise<T> => {
      const value = await work(...given)
      effects?.requireCommittable()
      ended = effects?.begin()
      return value
    }
    const result = await attemptWork(driver, lease, workAndNote, rollBackWithin)
    if (!lease.active) {
      throw new TransactionRolledBackError(
        'the lease of the transaction was ended by its work, so nothing was committed; let the work resolve instead',
      )
    }
    if (driver.inspect(connection) === 'broken') {
      const why = driver.activity?.whyBroken(connection)
      // A part was committed by a statement of the work itself, perhaps.
      const kept = why instanceof CommitOutcomeUnknownError
      ended?.(kept ? 'unknown' : 'undone')
      throw kept ? why : lostBefore('COMMIT was sent', why)
    }
    try {
      await transactions.commit(connection)
    } catch (error) {
      const failure = failedCommit(
        error,
        driver.classify(error),
        driver.inspect(connection),
        transactions.unknownOutcomeCode,
      )
      ended?.(endOfCommit(failure))
      throw failure
    }
    return result
  } finally {
    // Whatever state it is in, the pool looks before it lends the connection on.
    if (lease.active) lease.release()
  }
}

/** How the writes of a transaction have ended whose COMMIT has failed. */
function endOfCommit(failure: unknown): WriteEnd {
  if (failure instanceof CommitOutcomeUnknownError) return 'unknown'
  // If the work itself had ended the transaction, that may have been by a COMMIT of its own.
  return failure instanceof TransactionRolledBackError ? 'kept' : 'undone'
}

async function attemptWork<C extends object, T>(
  driver: Driver<C>,
  lease: Lease<C>,
  work: (connection: C, lease: Lease<C>) => Promise<T>,
  rollBackWithin: <R>(rollback: Promise<R>) => Promise<R>,
): Promise<T> {
  try {
    return await work(lease.connection, lease)
  } catch (thrown) {
    const isLoss = !(thrown instanceof CommitOutcomeUnknownError) && isLossOf(lease, thrown, driver)
    const error = isLoss ? lostBefore('COMMIT was sent', thrown) : thrown
    // The error of the work is the one that matters; a connection that cannot roll back is destroyed.
    if (lease.active && driver.transactions !== undefined) {
      await rollBackWithin(driver.transactions.rollback(lease.entry.connection)).catch(
        (rollbackError: unknown) => lease.destroy(rollbackError),
      )
    }
    throw error
  }
}

/**
 * Whether the work has failed by the loss of its connection, in the driver's own words. Any other error is the caller's,
 * also one of another socket, and also if the connection happens to be lost.
 */
function isLossOf<C extends object>(lease: Lease<C>, thrown: unknown, driver: Driver<C>): boolean {
  const { connection } = lease.entry
  if (!LOSSES.has(driver.classify(thrown)) || driver.inspect(connection) !== 'broken') return false
  return thrown !== undefined && thrown === driver.activity?.whyBroken(connection)
}
