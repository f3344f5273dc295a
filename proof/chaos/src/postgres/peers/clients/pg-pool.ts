import { Pool } from 'pg'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** node-postgres with its own pool; also what stands behind HAProxy. */
export class PgPool implements PeerClient {
  readonly #tuned: boolean
  #pool: Pool | undefined

  constructor({ tuned }: { readonly tuned: boolean }) {
    this.#tuned = tuned
  }

  async open([connectionString]: readonly [string, ...string[]]): Promise<void> {
    const basics = { connectionString, max: POOL_SIZE }
    if (!this.#tuned) {
      this.#pool = new Pool(basics)
      return
    }
    this.#pool = new Pool({
      ...basics,
      connectionTimeoutMillis: TUNED.connectTimeoutMs,
      query_timeout: TUNED.queryTimeoutMs,
      keepAlive: true,
    })
    // Its documentation asks for a listener; without one, the death of an idle client ends the process.
    this.#pool.on('error', () => {})
  }

  async write(id: string): Promise<void> {
    await this.#pool?.query(INSERT, [id])
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
