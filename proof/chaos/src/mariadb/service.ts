import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import { MARIADB_DATABASE, type MariadbNode, type MariadbOptions } from '@connmgr/testing'
import type { Promotion } from '../server-node.js'
import {
  type AnyServiceOptions,
  ClusterService,
  type ServiceParts,
  startManager,
} from '../service.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import { promote } from './promotion.js'
import { throughPool } from './work.js'

export interface ServiceOptions
  extends AnyServiceOptions<MariadbNode, MysqlConnectionManager, MysqlManagerOptions> {
  /** @default 1 */
  readonly replicas?: number
  /** @default commits wait for a replica (semi-synchronous), so that a crash loses no acknowledged write */
  readonly cluster?: Omit<MariadbOptions, 'replicas'>
}

/** MariaDB servers, a manager that leads to them, and callers that never stop. */
export class Service extends ClusterService<MariadbNode, MysqlConnectionManager> {
  private constructor(
    context: ChaosContext,
    parts: ServiceParts<MariadbNode, MysqlConnectionManager>,
  ) {
    super(context, parts)
  }

  /** Resolves once the manager has seen every server and, if there are callers, some writes have succeeded. */
  static async start(context: ChaosContext, options: ServiceOptions): Promise<Service> {
    const { replicas = 1, proxied = false } = options
    const nodes =
      options.nodes ??
      (await context.cluster({ synchronous: replicas > 0, ...options.cluster, replicas })).nodes
    const parts = await startManager(context, nodes, proxied, (urls) =>
      context.manager({ ...urls, ...options.manager }),
    )
    const { manager } = parts
    const service = new Service(context, {
      ...parts,
      work: (options.work ?? throughPool)(manager),
      load: options.load,
      database: MARIADB_DATABASE,
      readsFromStandbys: true,
    })
    await service.warmUp()
    return service
  }

  promote(standby: MariadbNode): Promise<Promotion> {
    return promote(standby)
  }

  protected countConnections(nodes: readonly MariadbNode[]): Promise<number> {
    return countConnections(this.context, nodes)
  }
}
