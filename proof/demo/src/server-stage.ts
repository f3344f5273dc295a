import { createLogger } from '@connmgr/winston'
import { crashAndPromote, type Pair } from './crash.js'
import type { Load } from './load.js'
import type { FailoverResult } from './result.js'
import type { Screen } from './screen.js'
import { type AnyManager, MANAGER_OPTIONS, SERVER_PROMISES, type Stage } from './stage.js'
import type { Workload } from './workloads/workload.js'

interface Servers {
  stop(): Promise<unknown>
}

/** What the manager of a pair of servers gets beside their URLs. */
export const SERVER_OPTIONS = {
  ...MANAGER_OPTIONS,
  poolSize: 5,
  maxOverflow: 10,
  failover: { failbackStableMs: 1000, failbackSuccesses: 3 },
  // The demo tells its story itself; errors would still show.
  logger: createLogger({ level: 'error' }),
} as const

/** A primary that crashes, and the standby that is promoted in its place. */
export abstract class ServerStage<C extends Servers, M extends AnyManager>
  implements Pick<Stage, 'breakAndMend' | 'clear' | 'set'>
{
  readonly heading = '1. Two servers and three ORMs, one manager'
  readonly leaksAtOnce = true
  readonly outageHeading = '3. The primary crashes'
  readonly promises = SERVER_PROMISES
  protected abstract readonly database: string
  #cluster: C | undefined
  #manager: M | undefined

  /** Two servers, one of which follows the other. */
  protected abstract startServers(): Promise<C>
  /** Makes the ledger's table, and gives what there is to say of the servers. */
  protected abstract makeLedger(cluster: C): Promise<string>
  protected abstract managerOf(cluster: C): M
  protected abstract workloadsOn(manager: M): Promise<readonly Workload[]>
  protected abstract pairOf(cluster: C): Pair

  async set(screen: Screen): ReturnType<Stage['set']> {
    screen.event(`making two ${this.database} servers in a temporary directory`)
    const cluster = await this.startServers()
    this.#cluster = cluster
    screen.event(await this.makeLedger(cluster))
    const manager = this.managerOf(cluster)
    this.#manager = manager
    return { manager, workloads: await this.workloadsOn(manager) }
  }

  async breakAndMend(
    workloads: readonly Workload[],
    load: Load,
    screen: Screen,
  ): Promise<FailoverResult> {
    if (this.#manager === undefined) throw new Error('the stage is not set')
    return crashAndPromote(this.#manager, this.pairOf(this.cluster), workloads, load, screen)
  }

  async clear(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 1000 })
    await this.#cluster?.stop()
  }

  protected get cluster(): C {
    if (this.#cluster === undefined) throw new Error('the stage is not set')
    return this.#cluster
  }
}
