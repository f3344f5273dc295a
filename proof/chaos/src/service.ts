import type { ConnectionManager, EndpointState } from '@connmgr/core'
import { type FaultProxy, Ledger } from '@connmgr/testing'
import { Load, type LoadOptions, type Work } from './load.js'
import { measure, type Witness } from './measure.js'
import { now } from './now.js'
import type { Recorder } from './recorder.js'
import type { RoundContext } from './round-context.js'
import type { Measurements } from './scenario.js'
import type { Promotion, ServerNode } from './server-node.js'

/** What chaos asks of the manager of any database. */
export type AnyManager = Pick<
  ConnectionManager<object>,
  'close' | 'getFailoverStatus' | 'getHolders' | 'getPoolMetrics' | 'onAny' | 'start'
>

/** What the database of a service does by itself. */
export interface ServiceDatabase<N extends ServerNode> {
  /** In the names of endpoints. */
  readonly name: string
  /** Makes a standby the primary. */
  promote(standby: N): Promise<Promotion>
  /** Connections of ours that these servers still have. */
  countConnections(context: RoundContext, nodes: readonly N[]): Promise<number>
}

/** What a service is made of. */
export interface ServiceParts<N extends ServerNode, M extends AnyManager> {
  /** The primary first. */
  readonly nodes: readonly N[]
  /** Those that stand before servers. */
  readonly proxies: ReadonlyMap<N, FaultProxy>
  readonly manager: M
  readonly recorder: Recorder
  /** How the callers work. */
  readonly work: Work
  /** False for no callers at all. */
  readonly load: LoadOptions | false | undefined
  readonly database: ServiceDatabase<N>
  /** False if the reads of the callers go to the primary. */
  readonly readsFromStandbys: boolean
  /** Ends what stands between the callers and the manager. */
  readonly closeWork?: () => Promise<unknown>
}

const IDLE: LoadOptions = { writesPerSecond: 0, readsPerSecond: 0 }

/** Servers, a manager that leads to them, and callers that never stop. */
export class ClusterService<N extends ServerNode, M extends AnyManager> {
  readonly nodes: readonly N[]
  readonly manager: M
  readonly recorder: Recorder
  readonly ledger = new Ledger()
  readonly load: Load
  readonly #context: RoundContext
  readonly #parts: ServiceParts<N, M>

  constructor(context: RoundContext, parts: ServiceParts<N, M>) {
    this.#context = context
    this.#parts = parts
    this.nodes = parts.nodes
    this.manager = parts.manager
    this.recorder = parts.recorder
    this.load = new Load(parts.work, this.ledger, parts.load === false ? IDLE : parts.load)
    context.defer(() => this.#giveUp())
  }

  /** Makes a standby the primary. */
  promote(standby: N): Promise<Promotion> {
    return this.#parts.database.promote(standby)
  }

  /** Resolves once some writes have succeeded, if there are callers. */
  async warmUp(): Promise<void> {
    if (this.#parts.load !== false) await this.writes(10)
    this.#context.stalls.reset()
  }

  /** The server that takes writes before any fault. */
  get primary(): N {
    return this.nodes[0] as N
  }

  get standby(): N {
    return this.nodes[1] as N
  }

  proxyOf(node: N): FaultProxy {
    const proxy = this.#parts.proxies.get(node)
    if (proxy === undefined) throw new Error(`there is no proxy before ${node.name}`)
    return proxy
  }

  /** The name by which the manager knows a server. */
  endpointOf(node: N): string {
    const { host, port } = this.#parts.proxies.get(node) ?? node
    return `${host}:${port}/${this.#parts.database.name}`
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
    node: N,
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

  /** A caller that merely waited for a connection must not have failed. */
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
    if (!this.#parts.readsFromStandbys) return reads
    // Half of those that it was time for: the servers too run when the machine lets them.
    const least = Math.floor(this.load.turns('read', from, to) / 2)
    this.#context.expect(reads >= least, `only ${reads} of ${least} reads succeeded meanwhile`)
    const failed = this.load.failed('read').length
    this.#context.expect(failed === 0, `${failed} reads failed, though a standby was there`)
    return reads
  }

  /** Waits until an endpoint comes into one of these states after a moment, and gives the time from then. */
  async reaches(
    node: N,
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
  async finish(...survivors: readonly [Witness, ...Witness[]]): Promise<Measurements> {
    this.#context.step('the callers stop')
    await this.load.stop()
    await this.#expectCountsAtBase()
    await this.#parts.closeWork?.()
    await this.manager.close({ drainTimeoutMs: 2000 })
    return measure(this.#context, this.ledger, this.load, survivors, () => {
      const answering = this.nodes.filter((node) => node.running && !node.frozen)
      return this.#parts.database.countConnections(this.#context, answering)
    })
  }

  /** Without callers nothing is lent and none waits: no slot was lost on the way. */
  async #expectCountsAtBase(): Promise<void> {
    const atBase = (): boolean => {
      const { checkedOut, waiting } = this.manager.getPoolMetrics()
      return checkedOut === 0 && waiting === 0
    }
    await this.#context
      .until(atBase, 'all connections are back and no caller waits', 2000)
      .catch((error: Error) => this.#context.expect(false, error.message))
  }

  /** At the end of a round that did not come to its end by itself. */
  async #giveUp(): Promise<void> {
    this.load.pause()
    await this.manager.close({ drainTimeoutMs: 0 })
  }
}
