import { describePublishedQueries, type PostgresCluster, startCluster } from '@connmgr/testing'
import { gt, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { withConnectionManager } from './with-connection-manager.js'

const items = pgTable('items', { id: integer('id').primaryKey() })

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key)')
  await cluster.primary.query('insert into items select generate_series(1, 3)')
})
afterAll(() => cluster.stop())

describePublishedQueries('Drizzle on PostgreSQL', () => {
  const db = withConnectionManager({}, { databaseUrl: cluster.primary.url(), logger: false })
  const read = (on: Pick<typeof db, 'select'> = db) =>
    on.select().from(items).where(gt(items.id, 1))
  const transact = (undo: boolean) =>
    db.transaction(async (tx) => {
      await read(tx)
      await read(tx)
      if (undo) throw new Error('undo')
    })
  return {
    manager: db.$connections,
    read: () => read(),
    fail: () => db.execute(sql`select no_such_column`),
    transact: () => transact(false),
    rollBack: () => transact(true),
    text: /^select "id" from "items" where "items"\."id" > \$1$/,
    rows: 2,
    close: () => db.$connections.close(),
  }
})
