import type { Driver, TransactionOptions } from './driver.js'
import { CommitOutcomeUnknownError, UnsupportedError } from './errors.js'
import type { Lease } from './pool/lease.js'

/**
 * Runs `work` between BEGIN and COMMIT on the lease's connection, or ROLLBACK if it throws. Ends the lease.
 *
 * @throws CommitOutcomeUnknownError `CONNMGR_COMMIT_OUTCOME_UNKNOWN` if the connection was lost while COMMIT was in
 * flight; any other error means that nothing was committed
 */
export async function inTransaction<C extends object, T>(
  driver: Driver<C>,
  lease: Lease<C>,
  options: TransactionOptions,
  work: (connection: C, lease: Lease<C>) => Promise<T>,
  rollBackWithin: <R>(rollback: Promise<R>) => Promise<R>,
): Promise<T> {
  const { connection } = lease
  try {
    if (
      driver.begin === undefined ||
      driver.commit === undefined ||
      driver.rollback === undefined
    ) {
      throw new UnsupportedError(`the ${driver.name} driver has no transactions; use manager.use()`)
    }
    await driver.begin(connection, options)
    const result = await attemptWork(driver, lease, work, rollBackWithin)
    try {
      await driver.commit(connection)
    } catch (error) {
      const kind = driver.classify(error)
      // Lost, or ended by the server, while waiting for the answer: it may have been committed all the same.
      if (kind === 'lost' || kind === 'shutdown' || kind === 'unreachable') {
        throw new CommitOutcomeUnknownError(error)
      }
      throw error
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
  } catch (error) {
    // The error of the work is the one that matters; a connection that cannot roll back is destroyed.
    if (lease.active && driver.rollback !== undefined) {
      await rollBackWithin(driver.rollback(lease.connection)).catch((rollbackError: unknown) =>
        lease.destroy(rollbackError),
      )
    }
    throw error
  }
}
