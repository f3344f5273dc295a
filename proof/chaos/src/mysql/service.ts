import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import { MYSQL_DATABASE, type MysqlNode, type MysqlOptions } from '@connmgr/testing'
import type { ClusterService, ServiceDatabase } from '../service.js'
import { type AnyServiceOptions, startService } from '../start-service.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import { promote } from './promotion.js'
import { throughPool } from './work.js'

export interface ServiceOptions
  extends AnyServiceOptions<MysqlNode, MysqlConnectionManager, MysqlManagerOptions> {
  /** @default 1 */
  readonly replicas?: number
  /** @default commits wait for a replica (semi-synchronous), so that a crash loses no acknowledged write */
  readonly cluster?: Omit<MysqlOptions, 'replicas'>
}

/** Servers of MySQL or MariaDB, a manager that leads to them, and callers that never stop. */
export type Service = ClusterService<MysqlNode, MysqlConnectionManager>

const DATABASE: ServiceDatabase<MysqlNode> = { name: MYSQL_DATABASE, promote, countConnections }

/** Callers work through the manager's pool unless the scenario says how. */
export function startMysqlService(
  context: ChaosContext,
  options: ServiceOptions,
): Promise<Service> {
  const { replicas = 1 } = options
  return startService(context, options, {
    database: DATABASE,
    startNodes: async () =>
      (await context.cluster({ synchronous: replicas > 0, ...options.cluster, replicas })).nodes,
    createManager: (urls) => context.manager({ ...urls, ...options.manager }),
    startWork: async (manager) => ({ work: throughPool(manager), close: async () => {} }),
    readsFromStandbys: true,
  })
}
