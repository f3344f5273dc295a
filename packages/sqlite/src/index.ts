export type {
  RowFormat,
  RunResult,
  SqliteColumn,
  SqliteLibrary,
  SqliteParameter,
  SqliteParameters,
  SqliteValue,
} from './bindings/binding.js'
export { LIBRARIES } from './bindings/load.js'
export { classify } from './classify.js'
export type { LibsqlTransaction } from './client/libsql-transaction.js'
export { ManagedPool } from './client/managed-pool.js'
export type * from './client/types.js'
export { SqliteConnection, SqliteStatement } from './connection.js'
export { SqliteConnectionManager } from './connection-manager.js'
export { createConnectionManager } from './create-connection-manager.js'
export { SqliteDriver, type SqliteDriverOptions } from './driver.js'
export type { JournalMode, SqliteEndpointConfig, Synchronous } from './endpoint.js'
export { DatabaseBusyError, DatabaseOpenError } from './errors.js'
export type { DatabaseStatus, LockingProcess } from './health/database-status.js'
export type { WalPinnedEvent } from './health/wal-watch.js'
export type { KyselyConnection } from './kysely/kysely-connection.js'
export { type KyselyDriver, kyselyDriver } from './kysely/kysely-driver.js'
export { SQLITE_OPTION_NAMES, type SqliteManagerOptions } from './options.js'
