import { createConnectionManager } from '@connmgr/sqlite'
import { asc, sql } from 'drizzle-orm'
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core'
import { Files } from '../../../sqlite/test/files.js'
import { INSTALLED } from '../../../sqlite/test/libraries.js'
import type { ManagedDatabase } from './sqlite-types.js'
import { withConnectionManager } from './with-connection-manager.js'

const items = sqliteTable('items', { id: integer('id').primaryKey() })

describe.each(INSTALLED)('a managed drizzle database over %s', (library) => {
  const files = new Files()
  const opened: ManagedDatabase[] = []
  const open = async (filename = files.path()): Promise<ManagedDatabase> => {
    const db = withConnectionManager({}, { filename, library, logger: false })
    opened.push(db)
    await db.run(sql`create table items (id integer primary key)`)
    return db
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.$connections.close({ drainTimeoutMs: 0 })))
  })
  afterAll(() => files.remove())

  test('reads do not wait for a transaction that holds the writer, and see nothing of it', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.insert(items).values({ id: 1 })
      expect(await db.select().from(items)).toEqual([])
      expect(await tx.select().from(items)).toEqual([{ id: 1 }])
    })
    expect(await db.select().from(items)).toEqual([{ id: 1 }])
  })

  test('a batch is one transaction', async () => {
    const db = await open()
    await expect(
      db.batch([db.insert(items).values({ id: 1 }), db.insert(items).values({ id: 1 })]),
    ).rejects.toThrow(/UNIQUE/)
    expect(await db.select().from(items)).toEqual([])
    const [, rows] = await db.batch([
      db.insert(items).values({ id: 2 }),
      db.select().from(items).orderBy(asc(items.id)),
    ])
    expect(rows).toEqual([{ id: 2 }])
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('a database in memory is one connection, whose transactions never mix', async () => {
    const db = await open(':memory:')
    const seen: unknown[] = []
    await Promise.all(
      [1, 2, 3].map((id) =>
        db.transaction(async (tx) => {
          await tx.insert(items).values({ id })
          await new Promise(setImmediate)
          seen.push((await tx.select().from(items)).length)
        }),
      ),
    )
    expect(seen).toEqual([1, 2, 3])
  })

  test('one manager serves drizzle and direct users of its connections', async () => {
    const manager = createConnectionManager({ filename: files.path(), library, logger: false })
    await manager.use((connection) =>
      connection.exec('create table items (id integer primary key)'),
    )
    const db = withConnectionManager({}, manager)
    opened.push(db)
    await db.insert(items).values({ id: 7 })
    expect(await manager.use((connection) => connection.all('select id from items'))).toEqual([
      { id: 7 },
    ])
  })
})
