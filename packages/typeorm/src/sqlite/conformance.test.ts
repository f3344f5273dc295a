import { createConnectionManager } from '@connmgr/sqlite'
import Database from 'better-sqlite3'
import { Files } from '../../../sqlite/test/files.js'
import { describeAdapter } from '../../test/describe-adapter.js'

describe('TypeORM on SQLite', () => {
  const files = new Files()
  let database = ''

  /** Fails as another connection holds the lock for writing. */
  async function writeBeside(): Promise<void> {
    const other = new Database(database, { timeout: 0 })
    try {
      other.exec('delete from authors')
    } finally {
      other.close()
    }
  }

  describeAdapter({
    type: 'better-sqlite3',
    start: async () => {},
    stop: async () => files.remove(),
    empty: async () => {
      database = files.path()
    },
    dataSourceOptions: () => ({ type: 'better-sqlite3', database }),
    createManager: () => createConnectionManager({ filename: database, logger: false }),
    twoConnections: { readers: 1 },
    streams: false,
    conflict: writeBeside,
  })
})
