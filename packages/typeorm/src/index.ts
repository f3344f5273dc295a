export { once } from '@connmgr/core'
export type {
  ManagedDataSourceOptions,
  ManagedType,
  ManagerOf,
  ManagerOptionsOf,
  MysqlDataSourceOptions,
  PostgresDataSourceOptions,
  SqliteDataSourceOptions,
} from './managed-types.js'
export { type DataSourceReplayOptions, replayTransaction } from './replay-transaction.js'
export {
  attachConnectionManager,
  getConnections,
  withConnectionManager,
} from './with-connection-manager.js'
