import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { ClusterOptions, PostgresNode } from '@connmgr/testing'
import type { LoadOptions, Work } from '../load.js'
import { Recorder } from '../recorder.js'
import type { Promotion } from '../server-node.js'
import { ClusterService, proxiesOf, type ServiceParts, urlOf } from '../service.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import { readsFromStandbys, startWork } from './orms.js'
import { promote } from './promotion.js'

export interface ServiceOptions {
  /** Streaming standbys. @default 1 */
  readonly standbys?: number
  /** @default commits wait for a standby, so that a crash loses no acknowledged write */
  readonly cluster?: Omit<ClusterOptions, 'standbys'>
  /** Put a proxy that can fail between the manager and each server. @default false */
  readonly proxied?: boolean
  /** Servers to use in place of a cluster, in the order of the manager's URLs; they have the ledger's table. */
  readonly nodes?: readonly PostgresNode[]
  /** On top of the URLs of all servers, the primary's first. */
  readonly manager?: PgManagerOptions
  /** False for no callers at all. */
  readonly load?: LoadOptions | false
  /** How the callers work. @default autocommit writes and reads through the ORM of `--orm` */
  readonly work?: (manager: PgConnectionManager) => Work
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
    const proxies = await proxiesOf(context, proxied ? nodes : [])
    const urls = nodes.map((node) => urlOf(node, proxies.get(node)))
    const manager = context.manager({
      databaseUrl: urls[0] as string,
      failoverUrls: urls.slice(1),
      ...options.manager,
    })
    const recorder = new Recorder(manager)
    await manager.start()
    const orm = options.work === undefined ? await startWork(context.orm, manager) : undefined
    const work = options.work?.(manager) ?? orm
    if (work === undefined) throw new Error('nothing says how the callers work')
    const service = new Service(context, {
      nodes,
      proxies,
      manager,
      recorder,
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
