import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import {
  type LedgerServer,
  type MysqlCluster,
  type MysqlProduct,
  startServers,
} from '@connmgr/testing'
import type { Pair } from '../crash.js'
import { SERVER_OPTIONS, ServerStage } from '../server-stage.js'
import type { Stage } from '../stage.js'
import type { Workload } from '../workloads/workload.js'
import { startDrizzle } from './drizzle.js'
import { failureClassOf } from './failure-class.js'
import { startPrisma } from './prisma.js'
import { startTypeorm } from './typeorm.js'

const TABLE =
  'create table ledger (`row` bigint auto_increment primary key, id varchar(100) not null, orm varchar(20) not null)'

/** Two servers of MySQL or MariaDB, one replicating the other. */
export class MysqlStage extends ServerStage<MysqlCluster, MysqlConnectionManager> implements Stage {
  readonly #product: MysqlProduct
  readonly failureOf = failureClassOf

  constructor(product: MysqlProduct) {
    super()
    this.#product = product
  }

  protected get database(): string {
    return this.#product.name
  }

  protected startServers(): Promise<MysqlCluster> {
    return startServers(this.#product, { replicas: 1, synchronous: true })
  }

  protected async makeLedger({ primary, replicas }: MysqlCluster): Promise<string> {
    await primary.query(TABLE)
    return `${this.database} primary on port ${primary.port}, replica on port ${replicas[0]?.port}`
  }

  protected managerOf({ primary, replicas }: MysqlCluster): MysqlConnectionManager {
    return createConnectionManager({
      ...SERVER_OPTIONS,
      databaseUrl: primary.url(),
      failoverUrls: replicas.map((each) => each.url()),
    })
  }

  protected async workloadsOn(manager: MysqlConnectionManager): Promise<readonly Workload[]> {
    return [
      await startTypeorm(manager, this.#product.id),
      await startPrisma(manager),
      await startDrizzle(manager),
    ]
  }

  protected pairOf({ primary, replicas: [standby] }: MysqlCluster): Pair {
    if (standby === undefined) throw new Error('the stage has no replica')
    return {
      primary,
      standby,
      promoteStandby: () => standby.promote(),
      rebuildPrimary: () => primary.rejoin(standby),
    }
  }

  get ledger(): LedgerServer {
    // The one that is the primary by now.
    const { primary } = this.cluster
    return {
      query: () => primary.query('select id, count(*) as copies from ledger group by id'),
    }
  }
}
