import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { ClusterOptions, PostgresNode } from '@connmgr/testing'
import type { ClusterService, ServiceDatabase } from '../service.js'
import { type AnyServiceOptions, startService } from '../start-service.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import { readsFromStandbys, startWork } from './orms.js'
import { promote } from './promotion.js'

export interface ServiceOptions
  extends AnyServiceOptions<PostgresNode, PgConnectionManager, PgManagerOptions> {
  /** Streaming standbys. @default 1 */
  readonly standbys?: number
  /** @default commits wait for a standby, so that a crash loses no acknowledged write */
  readonly cluster?: Omit<ClusterOptions, 'standbys'>
}

/** PostgreSQL servers, a manager that leads to them, and callers that never stop. */
export type Service = ClusterService<PostgresNode, PgConnectionManager>

const DATABASE: ServiceDatabase<PostgresNode> = { name: 'postgres', promote, countConnections }

/** Callers work through the ORM of the round unless the scenario says how. */
export function startPostgresService(
  context: ChaosContext,
  options: ServiceOptions,
): Promise<Service> {
  const { standbys = 1 } = options
  return startService(context, options, {
    database: DATABASE,
    startNodes: async () =>
      (await context.cluster({ synchronous: standbys > 0, ...options.cluster, standbys })).nodes,
    createManager: (urls) => context.manager({ ...urls, ...options.manager }),
    startWork: async (manager) => {
      const work = await startWork(context.orm, manager)
      return { work, close: () => work.close() }
    },
    readsFromStandbys: readsFromStandbys(context.orm),
  })
}
