import { describePublishedQueries, type PostgresCluster, startItems } from '@connmgr/testing'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startItems()
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
    const transact = (finish: () => void) =>
      manager.transaction(async (client) => {
        await client.query(TEXT, [1])
        await client.query({ text: TEXT, values: [1], rowMode: 'array' })
        finish()
      })
    return {
      manager,
      read: () => manager.pool.query(TEXT, [1]),
      fail: () => manager.pool.query('select no_such_column'),
      transact,
      text: /^select id from items where id > \$1$/,
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
  const transact = (finish: () => void) =>
    db.transaction().execute(async (tx) => {
      await read(tx)
      await read(tx)
      finish()
    })
  return {
    manager,
    read: () => read(),
    fail: () => sql`select no_such_column`.execute(db),
    transact,
    text: /^select "id" from "items" where "id" > \$1$/,
  }
})
