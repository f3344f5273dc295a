import { createPoolCluster, type PoolCluster } from 'mysql2/promise'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** How long a server that could not be connected to is left out. */
const RESTORE_MS = 1000

/** mysql2's answer to several servers: the first in order that can be connected to, whatever it is. */
export class Mysql2PoolCluster implements PeerClient {
  #cluster: PoolCluster | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    const cluster = createPoolCluster({
      canRetry: true,
      defaultSelector: 'ORDER',
      removeNodeErrorCount: 1,
      // Without it a server that has failed is never tried again.
      restoreNodeTimeout: RESTORE_MS,
    })
    for (const [index, uri] of urls.entries())
      cluster.add(`server-${index + 1}`, {
        uri,
        connectionLimit: POOL_SIZE,
        connectTimeout: TUNED.connectTimeoutMs,
        enableKeepAlive: true,
      })
    this.#cluster = cluster
  }

  async write(id: string): Promise<void> {
    const connection = await this.#cluster?.getConnection('server-*', 'ORDER')
    if (connection === undefined) throw new Error('open() comes first')
    try {
      await connection.query({ sql: INSERT, timeout: TUNED.queryTimeoutMs }, [id])
      connection.release()
    } catch (error) {
      // Whatever has failed on it: the pool would lend it on.
      connection.destroy()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#cluster?.end()
  }
}
