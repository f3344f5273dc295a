import type { ConnectionManager, TransactionReplayOptions } from '@connmgr/core'
import { invalidOption } from '@connmgr/core/driver'
import type { Sequelize, Transaction, TransactionOptions } from 'sequelize'
import { getConnections } from './with-connection-manager.js'

/** As Sequelize writes them into SQL, unchecked: https://sequelize.org/api/v6/class/src/transaction.js~transaction */
const ISOLATION_LEVELS = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']
const TYPES = ['DEFERRED', 'IMMEDIATE', 'EXCLUSIVE']

/**
 * `sequelize.transaction(work)`, run again on whichever server is the primary then when it has failed without effect.
 * `attempt` counts from 1.
 *
 * @param options `replay` is 'safe' if not given
 * @param transaction what `sequelize.transaction` takes: `isolationLevel` and so on
 * @throws whatever the last attempt has thrown
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * await replayTransaction(sequelize, (transaction) => Order.create(order, { transaction }), { deadlineMs: 10_000 })
 */
export async function replayTransaction<T>(
  sequelize: Sequelize,
  work: (transaction: Transaction, attempt: number) => Promise<T>,
  options: TransactionReplayOptions & { readonly signal?: AbortSignal } = {},
  transaction: TransactionOptions = {},
): Promise<T> {
  requireKnown('isolationLevel', transaction.isolationLevel, ISOLATION_LEVELS)
  requireKnown('type', transaction.type, TYPES)
  const connections = getConnections(sequelize) as unknown as ConnectionManager<never>
  return connections.replayTransaction<Transaction, T>(
    (inTransaction) => sequelize.transaction(transaction, inTransaction),
    work,
    options,
  )
}

/** What is on no list does not reach SQL. */
function requireKnown(name: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value))
    throw invalidOption(name, value, `one of ${known.map((each) => `'${each}'`).join(', ')}`)
}
