import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import pg from 'pg'
import { ManagedPool } from '../src/managed-pool.js'
import type { ManagedPoolConfig } from '../src/pool-config.js'

/** Pools of one server that share connections, beside a table `ledger` with `id` and the transaction that wrote it. */
export class LedgerPools {
  readonly cluster: PostgresCluster
  readonly #opened: ManagedPool[] = []
  #count = 0

  private constructor(cluster: PostgresCluster) {
    this.cluster = cluster
  }

  static async start(): Promise<LedgerPools> {
    const cluster = await startCluster()
    await cluster.primary.query(
      'create table ledger (id int primary key, xid text default txid_current())',
    )
    return new LedgerPools(cluster)
  }

  /** The `application_name` of the latest pool. */
  get name(): string {
    return `shared ${this.#count}`
  }

  open(config: ManagedPoolConfig = {}): ManagedPool {
    this.#count += 1
    const pool = new ManagedPool({
      connectionString: this.cluster.primary.url(),
      application_name: this.name,
      shared: true,
      logger: false,
      ...config,
    })
    this.#opened.push(pool)
    return pool
  }

  /** Closes the pools, and empties the table. */
  async clear(): Promise<void> {
    await this.closeAll()
    await this.cluster.primary.query('truncate ledger')
  }

  async closeAll(): Promise<void> {
    const closing = this.#opened.splice(0)
    await Promise.all(closing.map((each) => each.$connections.close({ drainTimeoutMs: 0 })))
  }

  /** Sessions that the latest pool has on the server. */
  async backends(): Promise<number> {
    const [row] = await this.cluster.primary.query<{ n: number }>(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [this.name],
    )
    return row?.n ?? 0
  }

  /** Resolves when so many statements of the latest pool with such a text are running. */
  async running(part: string, count = 1): Promise<void> {
    await eventually(async () => {
      const [row] = await this.cluster.primary.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity
         where application_name = $1 and state = 'active' and query like $2`,
        [this.name, `%${part}%`],
      )
      return row?.n === count
    })
  }

  /** A statement that waits until `open` ends the transaction that holds the lock. */
  async gate(): Promise<{ text: string; open: () => Promise<void> }> {
    const holder = new pg.Client(this.cluster.primary.url())
    await holder.connect()
    await holder.query('begin; lock table ledger in access exclusive mode')
    return {
      text: 'select count(*) from ledger',
      open: async () => {
        await holder.query('commit')
        await holder.end()
      },
    }
  }
}

/** Resolves when a pool has lent no connection. */
export const atRest = (pool: ManagedPool): Promise<void> =>
  eventually(() => pool.$connections.getCounts('primary').inUse === 0)

export const many = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_each, n) => make(n)))
