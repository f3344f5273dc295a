import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import type { PeerClient } from '../../../peers/client.js'
import { ManagedClient } from '../../../peers/managed-client.js'
import { INSERT } from '../table.js'
import { Row } from './row.js'

/** The pool that stands in for `pg.Pool`. */
export function connmgrPool(): PeerClient {
  return new ManagedClient(createConnectionManager, (manager, id) =>
    manager.pool.query(INSERT, [id]),
  )
}

/** The same in transactions that are run again when they have had no effect. */
export function connmgrReplay(): PeerClient {
  return new ManagedClient(createConnectionManager, (manager, id) =>
    manager.transaction((client) => client.query(INSERT, [id]), { replay: 'safe' }),
  )
}

/** The pool under TypeORM. */
export class ConnmgrTypeorm extends ManagedClient<PgConnectionManager> {
  #dataSource: DataSource | undefined

  constructor() {
    super(
      (options) => {
        const manager = createConnectionManager(options)
        this.#dataSource = new DataSource(
          withConnectionManager({ type: 'postgres', entities: [Row] }, manager),
        )
        return manager
      },
      async (_manager, id) => this.#dataSource?.getRepository(Row).insert({ id }),
    )
  }

  override async open(urls: readonly [string, ...string[]]): Promise<void> {
    await super.open(urls)
    await this.#dataSource?.initialize()
  }
}
