import type { AwsMySQLPoolClient } from 'aws-advanced-nodejs-wrapper/mysql'
import { AWS_PLUGINS, AWS_POOL, awsServers } from '../../../peers/aws-options.js'
import type { PeerClient } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** The wrapper of AWS with its pool, its failover plugin and its host monitoring at their fastest. */
export class AwsWrapper implements PeerClient {
  #pool: AwsMySQLPoolClient | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    // An ES module, in a program of CommonJS.
    const { AwsMySQLPoolClient } = await import('aws-advanced-nodejs-wrapper/mysql')
    this.#pool = new AwsMySQLPoolClient({ ...awsServers('mysql', urls), ...AWS_PLUGINS }, AWS_POOL)
  }

  async write(id: string): Promise<void> {
    await this.#pool?.query({ sql: INSERT, values: [id] })
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
