import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type LedgerServer, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { Pair } from '../crash.js'
import { SERVER_OPTIONS, ServerStage } from '../server-stage.js'
import type { Stage } from '../stage.js'
import type { Workload } from '../workloads/workload.js'
import { startDrizzle } from './drizzle.js'
import { failureClassOf } from './failure-class.js'
import { LEDGER_TABLE } from './ledger-table.js'
import { startPrisma } from './prisma.js'
import { startTypeorm } from './typeorm.js'

/** Two embedded servers, one streaming to the other. */
export class PostgresStage
  extends ServerStage<PostgresCluster, PgConnectionManager>
  implements Stage
{
  protected readonly database = 'PostgreSQL'
  readonly failureOf = failureClassOf

  protected startServers(): Promise<PostgresCluster> {
    return startCluster({ standbys: 1, synchronous: true })
  }

  protected async makeLedger({ primary, standbys }: PostgresCluster): Promise<string> {
    await primary.query(LEDGER_TABLE)
    return `PostgreSQL primary on port ${primary.port}, streaming standby on port ${standbys[0]?.port}`
  }

  protected managerOf({ primary, standbys }: PostgresCluster): PgConnectionManager {
    return createConnectionManager({
      ...SERVER_OPTIONS,
      databaseUrl: primary.url(),
      failoverUrls: standbys.map((each) => each.url()),
    })
  }

  protected async workloadsOn(manager: PgConnectionManager): Promise<readonly Workload[]> {
    return [await startTypeorm(manager), await startPrisma(manager), await startDrizzle(manager)]
  }

  protected pairOf({ primary, standbys: [standby] }: PostgresCluster): Pair {
    if (standby === undefined) throw new Error('the stage has no standby')
    return {
      primary,
      standby,
      promoteStandby: () => standby.promote(),
      rebuildPrimary: () => primary.rebuildAsStandbyOf(standby),
    }
  }

  get ledger(): LedgerServer {
    // The one that is the primary by now.
    return this.cluster.primary
  }
}
