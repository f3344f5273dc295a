import { createPool, type Pool } from 'mysql2/promise'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** mysql2 with its own pool, which knows one server. */
export class Mysql2Pool implements PeerClient {
  readonly #tuned: boolean
  #pool: Pool | undefined

  constructor({ tuned }: { readonly tuned: boolean }) {
    this.#tuned = tuned
  }

  async open([uri]: readonly [string, ...string[]]): Promise<void> {
    this.#pool = createPool({
      uri,
      connectionLimit: POOL_SIZE,
      ...(this.#tuned && { connectTimeout: TUNED.connectTimeoutMs, enableKeepAlive: true }),
    })
  }

  async write(id: string): Promise<void> {
    const sql = INSERT
    await this.#pool?.query(this.#tuned ? { sql, timeout: TUNED.queryTimeoutMs } : { sql }, [id])
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
