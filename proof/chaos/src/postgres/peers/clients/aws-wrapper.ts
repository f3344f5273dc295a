import type { AwsPgPoolClient } from 'aws-advanced-nodejs-wrapper/pg'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** The wrapper of AWS with its pool, its failover plugin and its host monitoring at their fastest. */
export class AwsWrapper implements PeerClient {
  readonly #guarded: boolean
  #pool: AwsPgPoolClient | undefined

  constructor({ guarded }: { readonly guarded: boolean }) {
    this.#guarded = guarded
  }

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    // Nobody can listen to the pg.Pool inside the wrapper, so that the death of an idle client is an uncaught error.
    if (this.#guarded) process.on('uncaughtException', () => {})
    // An ES module, in a program of CommonJS.
    const { AwsPgPoolClient } = await import('aws-advanced-nodejs-wrapper/pg')
    const servers = urls.map((url) => new URL(url))
    const { username, pathname } = servers[0] as URL
    this.#pool = new AwsPgPoolClient(
      {
        host: `postgres://${servers.map(({ host }) => host).join(',')}${pathname}`,
        user: username,
        database: pathname.slice(1),
        plugins: 'failover,efm2',
        singleWriterConnectionString: true,
        wrapperConnectTimeout: TUNED.connectTimeoutMs,
        wrapperQueryTimeout: TUNED.queryTimeoutMs,
        failureDetectionTime: 1000,
        failureDetectionInterval: 500,
        failureDetectionCount: 2,
      },
      { maxConnections: POOL_SIZE },
    )
  }

  async write(id: string): Promise<void> {
    await this.#pool?.query(INSERT, [id])
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
