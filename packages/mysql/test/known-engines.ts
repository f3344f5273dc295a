import type { MysqlConnectionManager } from '@connmgr/mysql'
import { eventually } from '@connmgr/testing'

/**
 * Waits until a manager, which has connected, knows whether all tables take part in transactions. Before that it takes
 * nothing that a transaction has written for undone, and repeats no transaction by itself.
 */
export async function enginesRead({ driver, preferred }: MysqlConnectionManager): Promise<void> {
  await eventually(() => driver.engines.of(preferred.id).transactional)
}
