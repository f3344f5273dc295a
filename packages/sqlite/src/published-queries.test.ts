import { describePublishedQueries, RecordedQueries } from '@connmgr/testing'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import { type Driver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import type { SqliteConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import { kyselyDriver } from './kysely/kysely-driver.js'

const files = new Files()
afterAll(() => files.remove())

const TEXT = 'select id from items where id > ?'
const SCHEMA = 'create table items (id integer primary key); insert into items values (1), (2), (3)'

async function open(library = INSTALLED[0]): Promise<SqliteConnectionManager> {
  const manager = createConnectionManager({ filename: files.path(), library, logger: false })
  await manager.use((db) => db.exec(SCHEMA))
  return manager
}

describe.each(INSTALLED)('%s', (library) => {
  describePublishedQueries(`a manager over ${library}`, async () => {
    const manager = await open(library)
    const transact = (finish: () => void) =>
      manager.transaction(async (db) => {
        await db.all(TEXT, [1])
        db.prepare(TEXT).all([1])
        finish()
      })
    return {
      manager,
      read: () => manager.use((db) => db.all(TEXT, [1])),
      fail: () => manager.use((db) => db.all('select no_such_column')),
      transact,
      text: /^select id from items where id > \?$/,
    }
  })
})

describePublishedQueries("Drizzle over libSQL's client", async () => {
  const manager = await open()
  const db = drizzle(manager.pool as never)
  const read = (on: Pick<typeof db, 'all'> = db) =>
    on.all(sql`select id from items where id > ${1}`)
  const transact = (finish: () => void) =>
    db.transaction(async (tx) => {
      await read(tx)
      await read(tx)
      finish()
    })
  return {
    manager,
    read: () => read(),
    fail: async () => db.all(sql`select no_such_column`),
    transact,
    text: /^select id from items where id > \?$/,
  }
})

describePublishedQueries('Kysely over its own driver', async () => {
  const manager = await open()
  const db = new Kysely<{ items: { id: number } }>({
    dialect: {
      createDriver: () => kyselyDriver(manager) as unknown as Driver,
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (each) => new SqliteIntrospector(each),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
  const read = (on: Pick<typeof db, 'selectFrom'> = db) =>
    on.selectFrom('items').select('id').where('id', '>', 1).execute()
  const transact = (finish: () => void) =>
    db.transaction().execute(async (tx) => {
      await read(tx)
      await read(tx)
      finish()
    })
  return {
    manager,
    read: () => read(),
    fail: () =>
      db
        .selectFrom('items')
        .select('no_such' as never)
        .execute(),
    transact,
    text: /^select "id" from "items" where "id" > \?$/,
  }
})

test('a cursor ends when it is closed, a write tells what it has changed, a script is one text', async () => {
  const manager = await open()
  const queries = new RecordedQueries(({ manager: id }) => id === manager.id)
  await manager.use(async (db) => {
    for await (const _row of db.iterate('select id from items')) {
      expect(queries.all[0]?.messages).not.toContain('asyncEnd')
    }
    await db.run('update items set id = id + 10 where id > ?', [1])
    await db.exec('select 1; select 2')
  })
  expect(queries.all).toMatchObject([
    { text: 'select id from items', rowCount: 3 },
    { rowCount: 2, prepared: true },
    { text: 'select 1; select 2' },
  ])
  queries.stop()
  await manager.close()
})

test('waiting for the lock of another connection is no running', async () => {
  const path = files.path()
  const options = { filename: path, logger: false } as const
  const one = createConnectionManager(options)
  const other = createConnectionManager(options)
  await one.use((db) => db.exec(SCHEMA))
  const queries = new RecordedQueries(({ manager: id }) => id === other.id)
  let write: Promise<unknown> | undefined
  await one.transaction(async (db) => {
    await db.run('insert into items values (20)')
    write = other.use((mine) => mine.run('insert into items values (21)'))
    while (queries.all.length === 0) await new Promise(setImmediate)
    await new Promise((resolve) => setTimeout(resolve, 50))
  })
  await write
  const [insert] = queries.all
  expect(insert?.waitMs).toBeGreaterThan(25)
  expect(insert?.messages).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  queries.stop()
  await one.close()
  await other.close()
})
