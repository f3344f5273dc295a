import { createConnectionManager } from '@connmgr/mysql'
import type { PeerClient } from '../../../peers/client.js'
import { ManagedClient } from '../../../peers/managed-client.js'
import { INSERT } from '../table.js'

/** The pool that stands in for mysql2's. */
export function connmgrPool(): PeerClient {
  return new ManagedClient(createConnectionManager, (manager, id) =>
    manager.pool.promise().query(INSERT, [id]),
  )
}

/** The same in transactions that are run again when they have had no effect. */
export function connmgrReplay(): PeerClient {
  return new ManagedClient(createConnectionManager, (manager, id) =>
    manager.transaction((connection) => connection.promise().query(INSERT, [id]), {
      replay: 'safe',
    }),
  )
}
