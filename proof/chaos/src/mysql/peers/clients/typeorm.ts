import { DataSource, EntitySchema } from 'typeorm'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'

/** A row of the ledger. */
const Row = new EntitySchema<{ number: string; id: string }>({
  name: 'ledger',
  columns: {
    number: { type: 'bigint', primary: true, generated: true },
    id: { type: 'varchar', length: 100 },
  },
})

/** TypeORM with the pool of mysql2 that it makes itself. */
export class TypeormTuned implements PeerClient {
  #dataSource: DataSource | undefined

  async open([url]: readonly [string, ...string[]]): Promise<void> {
    this.#dataSource = new DataSource({
      type: 'mariadb',
      url,
      entities: [Row],
      poolSize: POOL_SIZE,
      connectTimeout: TUNED.connectTimeoutMs,
      maxQueryExecutionTime: TUNED.queryTimeoutMs,
      enableQueryTimeout: true,
      extra: { enableKeepAlive: true },
    })
    await this.#dataSource.initialize()
  }

  async write(id: string): Promise<void> {
    await this.#dataSource?.getRepository(Row).insert({ id })
  }

  async close(): Promise<void> {
    await this.#dataSource?.destroy()
  }
}
