import {
  createConnectionManager,
  type MysqlConnectionManager,
  type MysqlManagerOptions,
} from '@connmgr/mysql'
import {
  type MysqlCluster,
  type MysqlNode,
  type MysqlOptions,
  type MysqlProduct,
  startServers,
} from '@connmgr/testing'
import { RoundContext } from '../round-context.js'
import { type Service, type ServiceOptions, startMysqlService } from './service.js'
import { LEDGER_TABLE } from './work.js'

/** What a manager that starts may take to find a writer. */
const NEWCOMER_MS = 2000

/** What one round of a scenario on MySQL or MariaDB works with. */
export class ChaosContext extends RoundContext {
  readonly #product: MysqlProduct

  constructor(product: MysqlProduct, show: (line: string) => void) {
    super(show)
    this.#product = product
  }

  /** Servers with the ledger's table, which is on all of them. */
  async cluster(options: MysqlOptions = {}): Promise<MysqlCluster> {
    const cluster = await startServers(this.#product, options)
    this.defer(() => cluster.stop())
    const { primary, replicas } = cluster
    await primary.query(LEDGER_TABLE)
    await Promise.all(replicas.map((replica) => replica.waitForReplay(primary)))
    return cluster
  }

  manager(options: MysqlManagerOptions): MysqlConnectionManager {
    const manager = createConnectionManager({ name: 'chaos', logger: false, ...options })
    this.defer(() => manager.close({ drainTimeoutMs: 0 }))
    return manager
  }

  /** Servers, a manager and callers, with all that watches them. */
  service(options: ServiceOptions = {}): Promise<Service> {
    return startMysqlService(this, options)
  }

  /**
   * The server that a process which starts now, and has seen no promotion, takes for the writer; undefined if it finds none.
   */
  async writerOfNewcomer(nodes: readonly MysqlNode[]): Promise<number | undefined> {
    const [databaseUrl, ...failoverUrls] = nodes.map((node) => node.url()) as [string, ...string[]]
    const manager = this.manager({
      databaseUrl,
      failoverUrls,
      name: 'newcomer',
      startTimeoutMs: NEWCOMER_MS,
    })
    try {
      await manager.start().catch(() => {})
      const { activeEndpoint } = manager.getFailoverStatus()
      return nodes.find((node) => activeEndpoint?.includes(`:${node.port}/`))?.port
    } finally {
      await manager.close({ drainTimeoutMs: 0 })
    }
  }
}
