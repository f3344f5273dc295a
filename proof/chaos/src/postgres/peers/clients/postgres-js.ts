import postgres, { type Sql } from 'postgres'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'

/** postgres.js, which takes a list of hosts and looks for the primary among them. */
export class PostgresJs implements PeerClient {
  #sql: Sql | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    const servers = urls.map((url) => new URL(url))
    const { username, pathname } = servers[0] as URL
    const hosts = servers.map(({ host }) => host).join(',')
    this.#sql = postgres(
      `postgres://${username}@${hosts}${pathname}?target_session_attrs=primary`,
      { max: POOL_SIZE, connect_timeout: TUNED.connectTimeoutMs / 1000, onnotice: () => {} },
    )
  }

  async write(id: string): Promise<void> {
    if (this.#sql === undefined) throw new Error('open() comes first')
    await this.#sql`insert into ledger (id) values (${id})`
  }

  async close(): Promise<void> {
    await this.#sql?.end({ timeout: 1 })
  }
}
