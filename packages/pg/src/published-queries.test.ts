import { describePublishedQueries, type PostgresCluster, startCluster } from '@connmgr/testing'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key)')
  await cluster.primary.query('insert into items select generate_series(1, 3)')
})
afterAll(() => cluster.stop())

const TEXT = 'select id from items where id > $1'

function open(more: object = {}): PgConnectionManager {
  return createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false, ...more })
}

describe.each([
  ['a pool', {}],
  ['a pool that shares connections', { shared: true }],
  ['a pool that prepares nothing', { preparedStatements: 'off' }],
])('%s', (name, options) => {
  describePublishedQueries(name, () => {
    const manager = open(options)
    const transact = (undo: boolean) =>
      manager.transaction(async (client) => {
        await client.query(TEXT, [1])
        await client.query({ text: TEXT, values: [1], rowMode: 'array' })
        if (undo) throw new Error('undo')
      })
    return {
      manager,
      read: () => manager.pool.query(TEXT, [1]),
      fail: () => manager.pool.query('select no_such_column'),
      transact: () => transact(false),
      rollBack: () => transact(true),
      text: /^select id from items where id > \$1$/,
      rows: 2,
      close: () => manager.close(),
    }
  })
})

describePublishedQueries('Kysely on PostgreSQL', () => {
  const manager = open()
  const db = new Kysely<{ items: { id: number } }>({
    dialect: new PostgresDialect({ pool: manager.pool }),
  })
  const read = (on: Pick<typeof db, 'selectFrom'> = db) =>
    on.selectFrom('items').select('id').where('id', '>', 1).execute()
  const transact = (undo: boolean) =>
    db.transaction().execute(async (tx) => {
      await read(tx)
      await read(tx)
      if (undo) throw new Error('undo')
    })
  return {
    manager,
    read: () => read(),
    fail: () => sql`select no_such_column`.execute(db),
    transact: () => transact(false),
    rollBack: () => transact(true),
    text: /^select "id" from "items" where "id" > \$1$/,
    rows: 2,
    close: () => manager.close(),
  }
})
