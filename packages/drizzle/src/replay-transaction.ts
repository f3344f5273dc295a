import type { ConnectionManager, TransactionReplayOptions } from '@connmgr/core'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'

/** A managed database, as far as transactions go. */
export interface ReplayableDatabase<X, Config = PgTransactionConfig> {
  readonly $connections: Pick<ConnectionManager<never>, 'replayTransaction'>
  transaction<T>(work: (tx: X) => Promise<T>, config?: Config): Promise<T>
}

/**
 * `db.transaction(work)`, run again on whichever server is the primary then when it has failed without effect. `attempt`
 * counts from 1.
 *
 * @param options `replay` is 'safe' if not given
 * @param config what `db.transaction` takes: `isolationLevel` and so on
 * @throws whatever the last attempt has thrown
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * await replayTransaction(db, (tx) => tx.insert(orders).values(order), { deadlineMs: 10_000 })
 */
export async function replayTransaction<X, T, Config = PgTransactionConfig>(
  db: ReplayableDatabase<X, Config>,
  work: (tx: X, attempt: number) => Promise<T>,
  options: TransactionReplayOptions & { readonly signal?: AbortSignal } = {},
  config?: NoInfer<Config>,
): Promise<T> {
  return db.$connections.replayTransaction<X, T>(
    (inTransaction) => db.transaction(inTransaction, config),
    work,
    options,
  )
}
