import { ManagedPool } from './client/managed-pool.js'
import { SqliteConnectionManager } from './connection-manager.js'
import type { SqliteManagerOptions } from './options.js'

/**
 * Makes the manager of an SQLite database. It opens the file when first used, or on `start()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ filename: 'app.db' })
 * await manager.transaction(async (db) => db.run('insert into users (name) values (?)', ['Ada']))
 */
export function createConnectionManager(
  options: SqliteManagerOptions = {},
): SqliteConnectionManager {
  return new SqliteConnectionManager(options, ManagedPool.of)
}
