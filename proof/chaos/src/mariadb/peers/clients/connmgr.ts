import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import { type PeerClient, POOL_SIZE } from '../../../peers/client.js'
import { INSERT } from '../table.js'

/** With the defaults, except for the size. */
function managerOf([databaseUrl, ...failoverUrls]: readonly [
  string,
  ...string[],
]): MysqlConnectionManager {
  return createConnectionManager({
    databaseUrl,
    failoverUrls,
    poolSize: POOL_SIZE,
    maxOverflow: 0,
    logger: false,
  })
}

/** The pool that stands in for mysql2's. */
export class ConnmgrPool implements PeerClient {
  #manager: MysqlConnectionManager | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    this.#manager = managerOf(urls)
    await this.#manager.start()
  }

  async write(id: string): Promise<void> {
    await this.#manager?.pool.promise().query(INSERT, [id])
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}

/** The same in transactions that are run again when they have had no effect. */
export class ConnmgrReplay implements PeerClient {
  #manager: MysqlConnectionManager | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    this.#manager = managerOf(urls)
    await this.#manager.start()
  }

  async write(id: string): Promise<void> {
    await this.#manager?.transaction((connection) => connection.promise().query(INSERT, [id]), {
      replay: 'safe',
    })
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}
