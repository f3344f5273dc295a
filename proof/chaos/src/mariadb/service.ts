import type { MysqlConnectionManager, MysqlManagerOptions } from '@connmgr/mysql'
import { MARIADB_DATABASE, type MariadbNode, type MariadbOptions } from '@connmgr/testing'
import type { LoadOptions, Work } from '../load.js'
import { Recorder } from '../recorder.js'
import type { Promotion } from '../server-node.js'
import { ClusterService, proxiesOf, type ServiceParts, urlOf } from '../service.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import { promote } from './promotion.js'
import { throughPool } from './work.js'

export interface ServiceOptions {
  /** @default 1 */
  readonly replicas?: number
  /** @default commits wait for a replica (semi-synchronous), so that a crash loses no acknowledged write */
  readonly cluster?: Omit<MariadbOptions, 'replicas'>
  /** Put a proxy that can fail between the manager and each server. @default false */
  readonly proxied?: boolean
  /** Servers to use in place of a cluster, in the order of the manager's URLs; they have the ledger's table. */
  readonly nodes?: readonly MariadbNode[]
  /** On top of the URLs of all servers, the primary's first. */
  readonly manager?: MysqlManagerOptions
  /** False for no callers at all. */
  readonly load?: LoadOptions | false
  /** How the callers work. @default autocommit statements on the manager's pools */
  readonly work?: (manager: MysqlConnectionManager) => Work
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
    const proxies = await proxiesOf(context, proxied ? nodes : [])
    const urls = nodes.map((node) => urlOf(node, proxies.get(node)))
    const manager = context.manager({
      databaseUrl: urls[0] as string,
      failoverUrls: urls.slice(1),
      ...options.manager,
    })
    const recorder = new Recorder(manager)
    await manager.start()
    const service = new Service(context, {
      nodes,
      proxies,
      manager,
      recorder,
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
