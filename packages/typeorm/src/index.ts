export { once } from '@connmgr/core'
export type { PostgresDataSourceOptions } from './connection-options.js'
export { type DataSourceReplayOptions, replayTransaction } from './replay-transaction.js'
export {
  attachConnectionManager,
  getConnections,
  withConnectionManager,
} from './with-connection-manager.js'
