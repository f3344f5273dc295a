import type { ConnectionCondition, Driver } from '../driver/contract.js'

/** What no borrower must find on a connection. */
export const LEFT_BEHIND: Partial<Record<ConnectionCondition, string>> = {
  transaction: 'an open transaction',
  busy: 'a statement that is still running',
  stuck: 'a statement that waits for its client',
}

/** Runs a function of the user on a connection that the next borrower is to find as it was made for. */
export async function runHook<C extends object>(
  driver: Driver<C>,
  connection: C,
  hook: (connection: C) => Promise<void> | void,
): Promise<void> {
  await runCleanly(driver, connection, () => hook(connection))
  // What it has set is the connection's own, not the next borrower's.
  driver.session?.baseline(connection)
}

/** Runs a function of the user that must leave neither a transaction nor a statement behind. */
export async function runCleanly<C extends object>(
  driver: Driver<C>,
  connection: C,
  work: () => Promise<void> | void,
): Promise<void> {
  await work()
  // A statement that it did not wait for may finish.
  if (driver.inspect(connection) === 'busy') await driver.activity?.settle(connection)
  const left = LEFT_BEHIND[driver.inspect(connection)]
  if (left !== undefined) throw new Error(`it left ${left} behind`)
}
