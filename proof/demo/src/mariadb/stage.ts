import { classify, createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import { type MariadbCluster, type MariadbNode, startMariadb } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { crashAndPromote } from '../crash.js'
import { type FailureClass, failureClassOf } from '../failure-class.js'
import type { LedgerServer } from '../ledger.js'
import type { Load } from '../load.js'
import type { FailoverResult } from '../result.js'
import type { Screen } from '../screen.js'
import { MANAGER_OPTIONS, SERVER_PROMISES, type Stage } from '../stage.js'
import type { Workload } from '../workloads/workload.js'
import { startDrizzle } from './drizzle.js'
import { startPrisma } from './prisma.js'
import { startTypeorm } from './typeorm.js'

const TABLE =
  'create table ledger (`row` bigint auto_increment primary key, id varchar(100) not null, orm varchar(20) not null)'

/** Two servers of Debian's MariaDB, one replicating the other. */
export class MariadbStage implements Stage {
  readonly heading = '1. Two servers and three ORMs, one manager'
  readonly leaksAtOnce = true
  readonly outageHeading = '3. The primary crashes'
  readonly promises = SERVER_PROMISES
  #cluster: MariadbCluster | undefined
  #manager: MysqlConnectionManager | undefined

  async set(screen: Screen): ReturnType<Stage['set']> {
    screen.event('making two MariaDB servers in a temporary directory')
    const cluster = await startMariadb({ replicas: 1, synchronous: true })
    this.#cluster = cluster
    const { primary, replicas } = cluster
    await primary.query(TABLE)
    screen.event(`MariaDB primary on port ${primary.port}, replica on port ${replicas[0]?.port}`)
    const manager = createConnectionManager({
      ...MANAGER_OPTIONS,
      databaseUrl: primary.url(),
      failoverUrls: replicas.map((each) => each.url()),
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
    if (cluster === undefined || manager === undefined) throw new Error('the stage is not set')
    const { primary } = cluster
    const [standby] = cluster.replicas as [MariadbNode]
    const pair = {
      primary,
      standby,
      promoteStandby: () => standby.promote(),
      rebuildPrimary: () => primary.rejoin(standby),
    }
    return crashAndPromote(manager, pair, workloads, load, screen)
  }

  failureOf(error: unknown): FailureClass {
    return failureClassOf(error, {
      classify,
      // Errors of the server have a number.
      isAnswer: ({ errno }: { errno?: unknown }) => typeof errno === 'number' && errno > 0,
    })
  }

  get ledger(): LedgerServer {
    // The one that is the primary by now.
    const primary = this.#cluster?.primary
    if (primary === undefined) throw new Error('the stage is not set')
    return {
      query: () => primary.query('select id, count(*) as copies from ledger group by id'),
    }
  }

  async clear(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 1000 })
    await this.#cluster?.stop()
  }
}
