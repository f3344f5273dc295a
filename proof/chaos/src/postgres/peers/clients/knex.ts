import { type Knex, knex } from 'knex'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'

/** Knex with its pool, tarn. */
export class KnexTuned implements PeerClient {
  #knex: Knex | undefined

  async open([connectionString]: readonly [string, ...string[]]): Promise<void> {
    this.#knex = knex({
      client: 'pg',
      connection: {
        connectionString,
        connectionTimeoutMillis: TUNED.connectTimeoutMs,
        query_timeout: TUNED.queryTimeoutMs,
        keepAlive: true,
      },
      pool: { min: 0, max: POOL_SIZE },
      acquireConnectionTimeout: TUNED.connectTimeoutMs,
    })
  }

  async write(id: string): Promise<void> {
    await this.#knex?.('ledger').insert({ id })
  }

  async close(): Promise<void> {
    await this.#knex?.destroy()
  }
}
