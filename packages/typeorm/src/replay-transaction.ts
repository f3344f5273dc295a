import type { TransactionReplayOptions } from '@connmgr/core'
import type { DataSource, EntityManager } from 'typeorm'
import { getConnections } from './with-connection-manager.js'

type IsolationLevel = Parameters<EntityManager['transaction']>[0]

/** Options of {@link replayTransaction}. */
export interface DataSourceReplayOptions extends TransactionReplayOptions {
  /** As TypeORM names it. `@default` the server's own setting */
  readonly isolation?: IsolationLevel
  /** Once it has fired the transaction is not run again. */
  readonly signal?: AbortSignal
}

/**
 * `dataSource.transaction(work)`, run again on whichever server is the primary then when it has failed without effect.
 * `attempt` counts from 1.
 *
 * @param options `replay` is 'safe' if not given
 * @throws whatever the last attempt has thrown
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also if connmgr does not manage the DataSource
 *
 * @example
 * const order = await replayTransaction(dataSource, (entities) => placeOrder(entities), { deadlineMs: 10_000 })
 */
export async function replayTransaction<T>(
  dataSource: DataSource,
  work: (entities: EntityManager, attempt: number) => Promise<T>,
  { isolation, ...options }: DataSourceReplayOptions = {},
): Promise<T> {
  return getConnections(dataSource).replayTransaction<EntityManager, T>(
    (inTransaction) =>
      isolation === undefined
        ? dataSource.transaction(inTransaction)
        : dataSource.transaction(isolation, inTransaction),
    work,
    options,
  )
}
