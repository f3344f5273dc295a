import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import { type PeerClient, POOL_SIZE } from '../../../peers/client.js'
import { INSERT } from '../table.js'
import { Row } from './row.js'

/** With the defaults, except for the size. */
function managerOf([databaseUrl, ...failoverUrls]: readonly [
  string,
  ...string[],
]): PgConnectionManager {
  return createConnectionManager({
    databaseUrl,
    failoverUrls,
    poolSize: POOL_SIZE,
    maxOverflow: 0,
    logger: false,
  })
}

/** The pool that stands in for `pg.Pool`. */
export class ConnmgrPool implements PeerClient {
  #manager: PgConnectionManager | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    this.#manager = managerOf(urls)
    await this.#manager.start()
  }

  async write(id: string): Promise<void> {
    await this.#manager?.pool.query(INSERT, [id])
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}

/** The same in transactions that are run again when they have had no effect. */
export class ConnmgrReplay implements PeerClient {
  #manager: PgConnectionManager | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    this.#manager = managerOf(urls)
    await this.#manager.start()
  }

  async write(id: string): Promise<void> {
    await this.#manager?.transaction((client) => client.query(INSERT, [id]), { replay: 'safe' })
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}

/** The pool under TypeORM. */
export class ConnmgrTypeorm implements PeerClient {
  #manager: PgConnectionManager | undefined
  #dataSource: DataSource | undefined

  async open(urls: readonly [string, ...string[]]): Promise<void> {
    this.#manager = managerOf(urls)
    this.#dataSource = new DataSource(
      withConnectionManager({ type: 'postgres', entities: [Row] }, this.#manager),
    )
    await this.#dataSource.initialize()
  }

  async write(id: string): Promise<void> {
    await this.#dataSource?.getRepository(Row).insert({ id })
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}
