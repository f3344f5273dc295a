import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { crashAndPromote } from '../crash.js'
import { LEDGER_TABLE, type LedgerServer } from '../ledger.js'
import type { Load } from '../load.js'
import type { FailoverResult } from '../result.js'
import type { Screen } from '../screen.js'
import { MANAGER_OPTIONS, SERVER_PROMISES, type Stage } from '../stage.js'
import type { Workload } from '../workloads/workload.js'
import { startDrizzle } from './drizzle.js'
import { startPrisma } from './prisma.js'
import { startTypeorm } from './typeorm.js'

/** Two embedded servers, one streaming to the other. */
export class PostgresStage implements Stage {
  readonly heading = '1. Two servers and three ORMs, one manager'
  readonly leaksAtOnce = true
  readonly outageHeading = '3. The primary crashes'
  readonly promises = SERVER_PROMISES
  #cluster: PostgresCluster | undefined
  #manager: PgConnectionManager | undefined

  async set(screen: Screen): ReturnType<Stage['set']> {
    screen.event('making two PostgreSQL servers in a temporary directory')
    const cluster = await startCluster({ standbys: 1, synchronous: true })
    this.#cluster = cluster
    await cluster.primary.query(LEDGER_TABLE)
    const standby = cluster.standbys[0]?.port
    screen.event(
      `PostgreSQL primary on port ${cluster.primary.port}, streaming standby on port ${standby}`,
    )
    const manager = createConnectionManager({
      ...MANAGER_OPTIONS,
      databaseUrl: cluster.primary.url(),
      failoverUrls: cluster.standbys.map((each) => each.url()),
      poolSize: 5,
      maxOverflow: 10,
      failover: { failbackStableMs: 1000, failbackSuccesses: 3 },
      // The demo tells its story itself; errors would still show.
      logger: createLogger({ level: 'error' }),
    })
    this.#manager = manager
    const workloads = [
      await startTypeorm(manager),
      await startPrisma(manager),
      await startDrizzle(manager),
    ]
    return { manager, workloads }
  }

  breakAndMend(
    workloads: readonly Workload[],
    load: Load,
    screen: Screen,
  ): Promise<FailoverResult> {
    const [cluster, manager] = [this.#cluster, this.#manager]
    const [standby] = cluster?.standbys ?? []
    if (cluster === undefined || manager === undefined || standby === undefined)
      throw new Error('the stage is not set')
    const { primary } = cluster
    const pair = {
      primary,
      standby,
      promoteStandby: () => standby.promote(),
      rebuildPrimary: () => primary.rebuildAsStandbyOf(standby),
    }
    return crashAndPromote(manager, pair, workloads, load, screen)
  }

  get ledger(): LedgerServer {
    // The one that is the primary by now.
    if (this.#cluster === undefined) throw new Error('the stage is not set')
    return this.#cluster.primary
  }

  async clear(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 1000 })
    await this.#cluster?.stop()
  }
}
