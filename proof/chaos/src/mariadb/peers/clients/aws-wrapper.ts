import type { AwsMySQLPoolClient } from 'aws-advanced-nodejs-wrapper/mysql'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** The wrapper of AWS with its pool, its failover plugin and its host monitoring at their fastest. */
export class AwsWrapper implements PeerClient {
  #pool: AwsMySQLPoolClient | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    // An ES module, in a program of CommonJS.
    const { AwsMySQLPoolClient } = await import('aws-advanced-nodejs-wrapper/mysql')
    const servers = urls.map((url) => new URL(url))
    const { username, password, pathname } = servers[0] as URL
    this.#pool = new AwsMySQLPoolClient(
      {
        host: `mysql://${servers.map(({ host }) => host).join(',')}${pathname}`,
        user: username,
        password,
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
    await this.#pool?.query({ sql: INSERT, values: [id] })
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
