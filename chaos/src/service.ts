import type { EndpointState } from '@connmgr/core'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { ClusterOptions, FaultProxy, PostgresNode } from '@connmgr/testing'
import { Ledger } from '../../demo/src/ledger.js'
import type { ChaosContext } from './context.js'
import { Load, type LoadOptions, type Work } from './load.js'
import { measure } from './measure.js'
import { now } from './now.js'
import { type OrmWork, readsFromStandbys, startWork } from './orms.js'
import type { Promotion } from './promotion.js'
import { Recorder } from './recorder.js'
import type { Figures } from './scenario.js'

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

/** Servers, a manager that leads to them, and callers that never stop. */
export class Service {
  readonly #context: ChaosContext
  readonly #orm: OrmWork | undefined
  readonly #proxies: ReadonlyMap<PostgresNode, FaultProxy>
  readonly nodes: readonly PostgresNode[]
  readonly manager: PgConnectionManager
  readonly recorder: Recorder
  readonly ledger: Ledger
  readonly load: Load

  private constructor(
    context: ChaosContext,
    nodes: readonly PostgresNode[],
    proxies: ReadonlyMap<PostgresNode, FaultProxy>,
    manager: PgConnectionManager,
    recorder: Recorder,
    orm: OrmWork | undefined,
    { load, work }: ServiceOptions,
  ) {
    this.#context = context
    this.nodes = nodes
    this.#proxies = proxies
    this.manager = manager
    this.recorder = recorder
    this.#orm = orm
    this.ledger = new Ledger()
    const idle: LoadOptions = { writesPerSecond: 0, readsPerSecond: 0 }
    const chosen = work?.(manager) ?? orm
    if (chosen === undefined) throw new Error('nothing says how the callers work')
    this.load = new Load(chosen, this.ledger, load === false ? idle : load)
  }

  /** Resolves once the manager has seen every server and, if there are callers, some writes have succeeded. */
  static async start(context: ChaosContext, options: ServiceOptions): Promise<Service> {
    const { standbys = 1, proxied = false } = options
    const nodes = options.nodes ?? (await startNodes(context, standbys, options.cluster))
    const proxies = new Map<PostgresNode, FaultProxy>()
    if (proxied) for (const node of nodes) proxies.set(node, await context.proxy(node))
    const urls = nodes.map((node) => urlOf(node, proxies.get(node)))
    const manager = context.manager({
      databaseUrl: urls[0] as string,
      failoverUrls: urls.slice(1),
      ...options.manager,
    })
    const recorder = new Recorder(manager)
    await manager.start()
    const orm = options.work === undefined ? await startWork(context.orm, manager) : undefined
    const service = new Service(context, nodes, proxies, manager, recorder, orm, options)
    context.defer(() => service.#giveUp())
    if (options.load !== false) await service.writes(10)
    context.stalls.reset()
    return service
  }

  /** The server that takes writes before any fault. */
  get primary(): PostgresNode {
    return this.nodes[0] as PostgresNode
  }

  get standby(): PostgresNode {
    return this.nodes[1] as PostgresNode
  }

  proxyOf(node: PostgresNode): FaultProxy {
    const proxy = this.#proxies.get(node)
    if (proxy === undefined) throw new Error(`there is no proxy before ${node.name}`)
    return proxy
  }

  /** The name by which the manager knows a server. */
  endpointOf(node: PostgresNode): string {
    const { host, port } = this.#proxies.get(node) ?? node
    return `${host}:${port}/postgres`
  }

  /** Waits for some more successful writes. */
  async writes(count: number, withinMs?: number): Promise<void> {
    const from = now()
    await this.#context.until(
      () => this.load.succeeded('write', from).length >= count,
      `${count} writes have succeeded`,
      withinMs,
    )
  }

  /** From a moment until an endpoint was found to be in one of these states; NaN if it never was. */
  detectionMs(
    node: PostgresNode,
    from: number,
    states: readonly EndpointState[] = ['SUSPECT', 'DOWN'],
  ): number {
    return (this.recorder.reached(this.endpointOf(node), states, from) ?? Number.NaN) - from
  }

  /** From a moment until the first write that succeeded after it; NaN if none did. */
  recoveredMs(from: number): number {
    return (this.load.firstSuccess('write', from) ?? Number.NaN) - from
  }

  /** From the moment in which a promotion could be seen until the first write on the new primary. */
  firstWriteMs({ askedAt, visibleAt }: Promotion): number {
    return Math.max(0, askedAt + this.recoveredMs(askedAt) - visibleAt)
  }

  /** Whoever merely waited for a connection must not have failed. */
  expectNoFailedAcquire(): void {
    const count = this.ledger.countOf('not-sent')
    this.#context.expect(count === 0, `${count} callers failed that waited for a connection`)
  }

  /**
   * Reads must have gone on while there was no primary; gives how many succeeded. For an ORM whose reads go to the
   * primary there is nothing to expect.
   */
  expectReadsGoOn(from: number, to: number): number {
    const reads = this.load.succeeded('read', from, to).length
    if (!readsFromStandbys(this.#context.orm)) return reads
    // Callers begin twenty a second; half of that is enough on a busy machine.
    const least = Math.floor((to - from) / 100)
    this.#context.expect(reads >= least, `only ${reads} of ${least} reads succeeded meanwhile`)
    const failed = this.load.failed('read').length
    this.#context.expect(failed === 0, `${failed} reads failed, though a standby was there`)
    return reads
  }

  /** Waits until an endpoint comes into one of these states after a moment, and gives the time from then. */
  async reaches(
    node: PostgresNode,
    states: readonly EndpointState[],
    from: number,
    withinMs?: number,
  ): Promise<number> {
    const endpoint = this.endpointOf(node)
    const at = (): number | undefined => this.recorder.reached(endpoint, states, from)
    await this.#context.until(
      () => at() !== undefined,
      `${node.name} is ${states.join(' or ')}`,
      withinMs,
    )
    return (at() ?? Number.NaN) - from
  }

  /**
   * Ends the callers and the manager, and gives what every scenario measures. `survivor` is the server whose word
   * counts; of independent servers, that of all together.
   */
  async finish(...survivors: readonly [PostgresNode, ...PostgresNode[]]): Promise<Figures> {
    this.#context.step('the callers stop')
    await this.load.stop()
    await this.#expectCountsAtBase()
    await this.#orm?.close()
    await this.manager.close({ drainTimeoutMs: 2000 })
    return measure(this.#context, this.ledger, this.load, survivors, this.nodes)
  }

  /** With nobody left to work, nothing is lent and nobody waits: no slot was lost on the way. */
  async #expectCountsAtBase(): Promise<void> {
    const atBase = (): boolean => {
      const { checkedOut, waiting } = this.manager.getPoolMetrics()
      return checkedOut === 0 && waiting === 0
    }
    await this.#context
      .until(atBase, 'all connections are back and nobody waits', 2000)
      .catch((error: Error) => this.#context.expect(false, error.message))
  }

  /** At the end of a round that did not come to its end by itself. */
  async #giveUp(): Promise<void> {
    this.load.pause()
    await this.manager.close({ drainTimeoutMs: 0 })
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

function urlOf(node: PostgresNode, proxy: FaultProxy | undefined): string {
  return proxy === undefined ? node.url() : node.url().replace(`:${node.port}/`, `:${proxy.port}/`)
}
