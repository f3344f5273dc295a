import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { ClusterOptions, PostgresNode } from '@connmgr/testing'
import type { Promotion } from '../server-node.js'
import {
  type AnyServiceOptions,
  ClusterService,
  type ServiceParts,
  startManager,
} from '../service.js'
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
export class Service extends ClusterService<PostgresNode, PgConnectionManager> {
  private constructor(
    context: ChaosContext,
    parts: ServiceParts<PostgresNode, PgConnectionManager>,
  ) {
    super(context, parts)
  }

  /** Resolves once the manager has seen every server and, if there are callers, some writes have succeeded. */
  static async start(context: ChaosContext, options: ServiceOptions): Promise<Service> {
    const { standbys = 1, proxied = false } = options
    const nodes = options.nodes ?? (await startNodes(context, standbys, options.cluster))
    const parts = await startManager(context, nodes, proxied, (urls) =>
      context.manager({ ...urls, ...options.manager }),
    )
    const { manager } = parts
    const orm = options.work === undefined ? await startWork(context.orm, manager) : undefined
    const work = options.work?.(manager) ?? orm
    if (work === undefined) throw new Error('nothing says how the callers work')
    const service = new Service(context, {
      ...parts,
      work,
      load: options.load,
      database: 'postgres',
      readsFromStandbys: readsFromStandbys(context.orm),
      closeWork: async () => orm?.close(),
    })
    await service.warmUp()
    return service
  }

  promote(standby: PostgresNode): Promise<Promotion> {
    return promote(standby)
  }

  protected countConnections(nodes: readonly PostgresNode[]): Promise<number> {
    return countConnections(this.context, nodes)
  }
}

async function startNodes(
  context: ChaosContext,
  standbys: number,
  options: ServiceOptions['cluster'],
): Promise<readonly PostgresNode[]> {
  const cluster = await context.cluster({ synchronous: standbys > 0, ...options, standbys })
  return cluster.nodes
}
