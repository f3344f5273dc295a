import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createConnectionManager, type SqliteConnection } from '@connmgr/sqlite'
import type Database from 'better-sqlite3'
import { compareCases } from '../steady.js'
import { type Cases, type Opener, ROWS } from '../subjects.js'
import type { Suite } from '../suite.js'

const READERS = 4
const READ = 'select id, name from items where id = ?'
const WRITE = 'update items set name = ? where id = ?'

/** Undefined where it could not be installed. */
function load(): typeof Database | undefined {
  try {
    return require('better-sqlite3')
  } catch {
    return undefined
  }
}

/** One connection, used synchronously, with the settings that ours has. */
function plain(
  Library: typeof Database,
  prepare: (db: Database.Database) => (id: number) => unknown,
): Opener {
  return async (file) => {
    const db = new Library(file)
    db.pragma('journal_mode = wal')
    db.pragma('synchronous = normal')
    const run = prepare(db)
    return { query: async (id) => run(id), close: async () => db.close() }
  }
}

function managed(
  target: 'primary' | 'standby',
  work: (db: SqliteConnection, id: number) => Promise<unknown>,
): Opener {
  return async (filename) => {
    const manager = createConnectionManager({
      filename,
      readers: READERS,
      library: 'better-sqlite3',
      // As plain better-sqlite3 has it in WAL mode.
      synchronous: 'normal',
      logger: false,
    })
    return {
      query: (id) => manager.use((db) => work(db, id), { target }),
      close: () => manager.close(),
    }
  }
}

/** `prepared` is the library at its best: one statement, which its user keeps. */
function casesOf(Library: typeof Database): Cases {
  return {
    read: {
      connmgr: managed('standby', (db, id) => db.get(READ, [id])),
      'better-sqlite3': plain(Library, (db) => (id) => db.prepare(READ).get(id)),
      prepared: plain(Library, (db) => {
        const statement = db.prepare(READ)
        return (id) => statement.get(id)
      }),
    },
    write: {
      connmgr: managed('primary', (db, id) => db.run(WRITE, [`item ${id}`, id])),
      'better-sqlite3': plain(Library, (db) => (id) => db.prepare(WRITE).run(`item ${id}`, id)),
      prepared: plain(Library, (db) => {
        const statement = db.prepare(WRITE)
        return (id) => statement.run(`item ${id}`, id)
      }),
    },
  }
}

const Library = load()
/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = Library === undefined ? {} : casesOf(Library)

export const sqlite: Suite = {
  name: 'sqlite',
  about: 'one row by its key, read or written, in a file',
  peers: ['better-sqlite3'],
  async run(settings) {
    if (Library === undefined) {
      console.error('sqlite: left out, as better-sqlite3 could not be installed here')
      return {}
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'connmgr-bench-'))
    try {
      const file = path.join(folder, 'bench.db')
      const db = new Library(file)
      db.pragma('journal_mode = wal')
      db.exec('create table items (id integer primary key, name text not null)')
      const insert = db.prepare('insert into items values (?, ?)')
      db.transaction(() => {
        for (let id = 0; id < ROWS; id += 1) insert.run(id, `item ${id}`)
      })()
      db.close()
      const comparison = { baseOf: () => 'better-sqlite3', callers: settings.quick ? [1] : [1, 10] }
      return await compareCases(__filename, cases, { url: file }, settings, comparison)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
