export { classify } from './classify.js'
export {
  createConnectionManager,
  DUCKDB_OPTION_NAMES,
  DuckDbConnectionManager,
  type DuckDbManagerOptions,
} from './connection-manager.js'
export { DuckDbDriver, type DuckDbEndpointConfig } from './driver.js'
