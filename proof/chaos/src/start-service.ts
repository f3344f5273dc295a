import type { FaultProxy } from '@connmgr/testing'
import type { LoadOptions, Work } from './load.js'
import { Recorder } from './recorder.js'
import type { RoundContext } from './round-context.js'
import type { ServerNode } from './server-node.js'
import { type AnyManager, ClusterService, type ServiceDatabase } from './service.js'

/** What a scenario says of its service, whatever the database. */
export interface AnyServiceOptions<N extends ServerNode, M extends AnyManager, O> {
  /** Put a proxy that can fail between the manager and each server. @default false */
  readonly proxied?: boolean
  /** Servers to use in place of a cluster, in the order of the manager's URLs; they have the ledger's table. */
  readonly nodes?: readonly N[]
  /** On top of the URLs of all servers, the primary's first. */
  readonly manager?: O
  /** False for no callers at all. */
  readonly load?: LoadOptions | false
  /** How the callers work. @default autocommit writes and reads */
  readonly work?: (manager: M) => Work
}

/** Where the servers of a manager are: those of the cluster, or the proxies before them. */
interface ServerUrls {
  readonly databaseUrl: string
  readonly failoverUrls: readonly string[]
}

/** How a service of one database starts. */
export interface ServiceStart<N extends ServerNode, M extends AnyManager> {
  readonly database: ServiceDatabase<N>
  /** Starts the servers that the scenario has not brought along, the primary first. */
  startNodes(): Promise<readonly N[]>
  createManager(urls: ServerUrls): M
  /** How callers work if the scenario leaves that open; `close` ends what stands between them and the manager. */
  startWork(manager: M): Promise<{ readonly work: Work; close(): Promise<unknown> }>
  /** False if the reads of the callers go to the primary. */
  readonly readsFromStandbys: boolean
}

/** Resolves once the manager has seen every server and, if there are callers, some writes have succeeded. */
export async function startService<N extends ServerNode, M extends AnyManager>(
  context: RoundContext,
  options: AnyServiceOptions<N, M, unknown>,
  start: ServiceStart<N, M>,
): Promise<ClusterService<N, M>> {
  const nodes = options.nodes ?? (await start.startNodes())
  const proxies = new Map<N, FaultProxy>()
  if (options.proxied === true)
    for (const node of nodes) proxies.set(node, await context.proxy(node))
  const urls = nodes.map((node) => urlOf(node, proxies.get(node)))
  const manager = start.createManager({
    databaseUrl: urls[0] as string,
    failoverUrls: urls.slice(1),
  })
  const recorder = new Recorder(manager)
  await manager.start()
  const own = options.work === undefined ? await start.startWork(manager) : undefined
  const service = new ClusterService(context, {
    nodes,
    proxies,
    manager,
    recorder,
    work: own?.work ?? (options.work as (manager: M) => Work)(manager),
    load: options.load,
    database: start.database,
    readsFromStandbys: start.readsFromStandbys,
    closeWork: async () => own?.close(),
  })
  await service.warmUp()
  return service
}

function urlOf(node: ServerNode, proxy: FaultProxy | undefined): string {
  return proxy === undefined ? node.url() : node.url().replace(`:${node.port}/`, `:${proxy.port}/`)
}
