import { ManagedPool } from './pool/managed-pool.js'
import { ManagedPoolCluster } from './pool/pool-cluster.js'
import type { ManagedPoolConfig } from './pool/pool-config.js'
import type { PoolStatementOptions } from './pool/pool-statements.js'

export type { ManagerOptions } from '@connmgr/core'
export { ConnectionBudget, once, redactUrl } from '@connmgr/core'
export { type EndpointConfig, endpointFrom, type Password } from './config/endpoint-config.js'
export { failoverEndpoints } from './config/endpoint-options.js'
export { MysqlConnectionManager } from './connection-manager.js'
export { createConnectionManager } from './create-connection-manager.js'
export { MysqlDriver } from './driver.js'
export { classify } from './errors/classify.js'
export { MYSQL_OPTION_NAMES, type MysqlManagerOptions } from './manager-options.js'
export { ManagedPoolCluster, type ManagedPoolNamespace } from './pool/pool-cluster.js'
export { blueprintOf, type PoolBlueprint } from './pool/pool-config.js'
export { ManagedPool, type ManagedPoolConfig, type PoolStatementOptions }

/** As mysql2's, for libraries that take it from a driver's module. */
export function createPool(config: ManagedPoolConfig | string): ManagedPool {
  return new ManagedPool(config)
}

/** As mysql2's. Its options are about nodes that fail, which are found and left without them. */
export function createPoolCluster(_options?: object): ManagedPoolCluster {
  return new ManagedPoolCluster()
}
