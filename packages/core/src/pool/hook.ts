import type { ConnectionCondition, Driver } from '../driver/contract.js'

/** Things that no borrower may find on a connection, in words. */
export const LEFT_BEHIND: Partial<Record<ConnectionCondition, string>> = {
  transaction: 'an open transaction',
  busy: 'a statement that is still running',
  stuck: 'a statement that waits for its client',
}

/** Runs a function of the user that prepares a connection for the next borrower. */
export async function runHook<C extends object>(
  driver: Driver<C>,
  connection: C,
  hook: (connection: C) => Promise<void> | void,
): Promise<void> {
  await runCleanly(driver, connection, () => hook(connection))
  // Its settings belong to the connection, not to the next borrower.
  driver.session?.baseline(connection)
}

/** Runs a function of the user that must leave neither a transaction nor a statement behind. */
export async function runCleanly<C extends object>(
  driver: Driver<C>,
  connection: C,
  work: () => Promise<void> | void,
): Promise<void> {
  await work()
  // A statement that it did not await may finish.
  if (driver.inspect(connection) === 'busy') await driver.activity?.settle(connection)
  const left = LEFT_BEHIND[driver.inspect(connection)]
  if (left !== undefined) throw new Error(`it left ${left} behind`)
}
