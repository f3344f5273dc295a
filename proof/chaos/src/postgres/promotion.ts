import type { PostgresNode } from '@connmgr/testing'
import { Client } from 'pg'
import { now } from '../now.js'
import type { Promotion } from '../server-node.js'

const POLL_MS = 2

/** Sees, on a plain connection of its own, when a standby has become a primary: from then on a client could write. */
class PromotionWatch {
  /** When the promotion was seen. Rejects if the server is lost. */
  readonly visibleAt: Promise<number>
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
    this.visibleAt = this.#watch()
    // Those who wait for it hear of a failure; waiting is optional.
    this.visibleAt.catch(() => {})
  }

  static async start(standby: PostgresNode): Promise<PromotionWatch> {
    const client = new Client({ connectionString: standby.url() })
    client.on('error', () => {})
    await client.connect()
    return new PromotionWatch(client)
  }

  async #watch(): Promise<number> {
    try {
      for (;;) {
        const { rows } = await this.#client.query<{ standby: boolean }>(
          'select pg_is_in_recovery() as standby',
        )
        if (rows[0]?.standby === false) return now()
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    } finally {
      await this.#client.end().catch(() => {})
    }
  }
}

export async function promote(standby: PostgresNode): Promise<Promotion> {
  const watch = await PromotionWatch.start(standby)
  const askedAt = now()
  await standby.promote()
  return { askedAt, visibleAt: await watch.visibleAt }
}
