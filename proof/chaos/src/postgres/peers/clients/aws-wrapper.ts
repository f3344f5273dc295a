import type { AwsPgPoolClient } from 'aws-advanced-nodejs-wrapper/pg'
import { AWS_PLUGINS, AWS_POOL, awsServers } from '../../../peers/aws-options.js'
import type { PeerClient } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** The wrapper of AWS with its pool, its failover plugin and its host monitoring at their fastest. */
export class AwsWrapper implements PeerClient {
  readonly #guarded: boolean
  #pool: AwsPgPoolClient | undefined

  constructor({ guarded }: { readonly guarded: boolean }) {
    this.#guarded = guarded
  }

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    // Programs cannot listen to the pg.Pool inside the wrapper, so that the death of an idle client is an uncaught error.
    if (this.#guarded) process.on('uncaughtException', () => {})
    // An ES module, in a program of CommonJS.
    const { AwsPgPoolClient } = await import('aws-advanced-nodejs-wrapper/pg')
    this.#pool = new AwsPgPoolClient({ ...awsServers('postgres', urls), ...AWS_PLUGINS }, AWS_POOL)
  }

  async write(id: string): Promise<void> {
    await this.#pool?.query(INSERT, [id])
  }

  async close(): Promise<void> {
    await this.#pool?.end()
  }
}
