import type { Driver, FailureKind, TransactionOptions } from './driver.js'
import { CommitOutcomeUnknownError, ConnectionLostError, UnsupportedError } from './errors.js'
import type { Lease } from './pool/lease.js'
import { currentEffects, type WriteEnd } from './replay/effects.js'

const LOSSES: ReadonlySet<FailureKind> = new Set(['lost', 'shutdown', 'unreachable'])

/**
 * What the failure of a COMMIT is to be told as: nothing was committed if it was never sent, nobody knows if the
 * connection was lost or ended by the server before the answer came, and anything else is the server's own answer.
 */
export function failedCommit(error: unknown, kind: FailureKind | 'not-sent'): unknown {
  // A driver that knows more has said so already.
  if (error instanceof CommitOutcomeUnknownError || error instanceof ConnectionLostError)
    return error
  if (kind === 'not-sent') {
    return new ConnectionLostError(
      'the connection was lost before COMMIT was sent, so nothing was committed',
      error,
      { sent: false },
    )
  }
  return LOSSES.has(kind) ? new CommitOutcomeUnknownError(error) : error
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
  options: TransactionOptions,
  work: (connection: C, lease: Lease<C>) => Promise<T>,
  rollBackWithin: <R>(rollback: Promise<R>) => Promise<R>,
): Promise<T> {
  const { connection } = lease.entry
  try {
    if (
      driver.begin === undefined ||
      driver.commit === undefined ||
      driver.rollback === undefined
    ) {
      throw new UnsupportedError(`the ${driver.name} driver has no transactions; use manager.use()`)
    }
    await driver.begin(connection, options).catch((error: unknown) => {
      throw LOSSES.has(driver.classify(error)) ? failedCommit(error, 'not-sent') : error
    })
    let ended: ((end: WriteEnd) => void) | undefined
    const workAndNote = async (...given: [C, Lease<C>]): Promise<T> => {
      const value = await work(...given)
      ended = currentEffects()?.begin()
      return value
    }
    const result = await attemptWork(driver, lease, workAndNote, rollBackWithin)
    if (driver.inspect(connection) === 'broken') {
      ended?.('undone')
      throw failedCommit(undefined, 'not-sent')
    }
    try {
      await driver.commit(connection)
    } catch (error) {
      const failure = failedCommit(error, driver.classify(error))
      ended?.(failure instanceof CommitOutcomeUnknownError ? 'unknown' : 'undone')
      throw failure
    }
    return result
  } finally {
    // Whatever state it is in, the pool looks before it lends the connection on.
    if (lease.active) lease.release()
  }
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
    const error =
      LOSSES.has(driver.classify(thrown)) && driver.inspect(lease.entry.connection) === 'broken'
        ? failedCommit(thrown, 'not-sent')
        : thrown
    // The error of the work is the one that matters; a connection that cannot roll back is destroyed.
    if (lease.active && driver.rollback !== undefined) {
      await rollBackWithin(driver.rollback(lease.entry.connection)).catch(
        (rollbackError: unknown) => lease.destroy(rollbackError),
      )
    }
    throw error
  }
}
