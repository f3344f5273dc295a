export {
  createConnectionManager,
  PG_OPTION_NAMES,
  PgConnectionManager,
  type PgManagerOptions,
} from './connection-manager.js'
export { type ClientClass, PgDriver } from './driver.js'
export { endpointOf } from './endpoint-config.js'
export { ManagedPool } from './managed-pool.js'
export type { ManagedPoolConfig } from './pool-config.js'
export { redactUrl } from './redact.js'
