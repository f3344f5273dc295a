export type { PostgresDataSourceOptions } from './connection-options.js'
export {
  attachConnectionManager,
  getConnections,
  withConnectionManager,
} from './with-connection-manager.js'
