import { describePublishedQueries, type PostgresCluster, startItems } from '@connmgr/testing'
import { gt, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { withConnectionManager } from './with-connection-manager.js'

const items = pgTable('items', { id: integer('id').primaryKey() })

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startItems()
})
afterAll(() => cluster.stop())

describePublishedQueries('Drizzle on PostgreSQL', () => {
  const db = withConnectionManager({}, { databaseUrl: cluster.primary.url(), logger: false })
  const read = (on: Pick<typeof db, 'select'> = db) =>
    on.select().from(items).where(gt(items.id, 1))
  const transact = (finish: () => void) =>
    db.transaction(async (tx) => {
      await read(tx)
      await read(tx)
      finish()
    })
  return {
    manager: db.$connections,
    read: () => read(),
    fail: () => db.execute(sql`select no_such_column`),
    transact,
    text: /^select "id" from "items" where "items"\."id" > \$1$/,
  }
})
