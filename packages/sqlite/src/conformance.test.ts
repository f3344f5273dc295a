import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { describeDriver } from '@connmgr/testing'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import type { BoundDatabase } from './bindings/binding.js'
import { bindingOf } from './bindings/load.js'
import type { SqliteConnection } from './connection.js'
import { SqliteDriver } from './driver.js'
import { endpointOf } from './endpoint.js'
import { locate } from './location/location.js'

const SLOW_MS = 500

// libsql keeps the files of a closed database until its statements are garbage: what is open cannot be counted.
for (const library of INSTALLED.filter((each) => each !== 'libsql')) {
  describeDriver<SqliteConnection>(
    library,
    async () => {
      const files = new Files()
      const binding = bindingOf(library)
      const driver = new SqliteDriver({ binding, busyTimeoutMs: 600_000 })
      const endpoint = (path: string) =>
        endpointOf(path, {
          location: locate(path, 'filename'),
          readOnly: false,
          readOnlyDatabase: false,
          journalMode: 'wal',
          synchronous: 'off',
          pragmas: {},
        })
      const path = files.path()
      // Opened for each use: SQLite closes no file of a process in which another connection has it locked.
      const aside = <T>(use: (database: BoundDatabase) => T): T => {
        const database = binding.open(path, { readOnly: false })
        try {
          return use(database)
        } finally {
          database.close()
        }
      }
      aside((database) =>
        database.exec('pragma journal_mode = wal; create table rows (id integer primary key)'),
      )
      const denied = files.path()
      writeFileSync(denied, 'no database, but long enough to be taken for one. '.repeat(50))
      const openFiles = (file: string): number =>
        readdirSync('/proc/self/fd').filter((each) => nameOf(each) === file).length
      /** A statement runs for as long as it waits: another connection holds the lock meanwhile. */
      const whileLocked = (connection: SqliteConnection, forMs: number): Promise<unknown> => {
        const other = binding.open(path, { readOnly: false })
        other.exec('begin immediate')
        const waiting = connection.run('delete from rows where id < 0')
        const release = setTimeout(() => other.exec('rollback'), forMs)
        return waiting.finally(() => {
          clearTimeout(release)
          other.close()
        })
      }
      return {
        driver,
        endpoint: endpoint(path),
        refused: endpoint('/nowhere/at/all.db'),
        denied: endpoint(denied),
        statements: {
          read: 'select 1',
          readValue: 'select ?',
          slow: 'slow',
          endless: 'endless',
          wrong: 'select nonsense',
          insert: 'insert into rows default values',
          set: 'pragma foreign_keys = off',
        },
        query: (connection, text, values) => {
          if (text === 'slow') return whileLocked(connection, SLOW_MS)
          if (text === 'endless') return whileLocked(connection, 600_000)
          return connection.all(text, values as string[] | undefined)
        },
        countRows: async () =>
          aside(
            (database) =>
              (database.prepare('select count(*) n from rows', {}).get([]) as { n: number }).n,
          ),
        hasSetting: async (connection) =>
          (await connection.get<{ foreign_keys: number }>('pragma foreign_keys'))?.foreign_keys ===
          0,
        countSessions: async () => openFiles(path),
        close: async () => {
          files.remove()
        },
      }
    },
    { without: ['replication'], network: false },
  )
}

function nameOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return undefined
  }
}
