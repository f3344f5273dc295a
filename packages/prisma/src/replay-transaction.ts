import type { TransactionReplayOptions } from '@connmgr/core'
import type { AnyConnectionManager } from './bindings/binding.js'

/** A managed client, as far as interactive transactions go. */
export interface ReplayableClient<X, O> {
  readonly $connections: AnyConnectionManager
  $connect(): Promise<void>
  $transaction<R>(work: (tx: X) => Promise<R>, options?: O): Promise<R>
}

/**
 * An interactive transaction, run again on whichever server is the primary then when it has failed without effect.
 * `attempt` counts from 1.
 *
 * @param options `replay` is 'safe' if not given
 * @param transactionOptions what `$transaction` takes: `maxWait`, `timeout`, `isolationLevel`
 * @throws whatever the last attempt has thrown
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * await replayTransaction(prisma, (tx) => tx.order.create({ data }), { deadlineMs: 10_000 })
 */
export async function replayTransaction<X, O, T>(
  client: ReplayableClient<X, O>,
  work: (tx: X, attempt: number) => Promise<T>,
  options: TransactionReplayOptions & { readonly signal?: AbortSignal } = {},
  transactionOptions?: NoInfer<O>,
): Promise<T> {
  // After $disconnect() the next use has another manager.
  if (client.$connections.closed) await client.$connect()
  return client.$connections.replayTransaction<X, T>(
    (inTransaction) => client.$transaction(inTransaction, transactionOptions),
    work,
    options,
  )
}
