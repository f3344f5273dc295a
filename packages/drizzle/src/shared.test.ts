import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { withConnectionManager } from './with-connection-manager.js'

const items = pgTable('items', { id: integer('id').primaryKey() })

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key)')
})
afterAll(() => cluster.stop())

test('statements share connections, and transactions have connections of their own', async () => {
  const db = withConnectionManager(
    {},
    {
      databaseUrl: cluster.primary.url(),
      poolSize: 20,
      shared: { lanes: 1, depth: 1000 },
      logger: false,
    },
  )
  const ids = Array.from({ length: 200 }, (_each, id) => id)
  await Promise.all(ids.map((id) => db.insert(items).values({ id })))
  const rows = await Promise.all(ids.map((id) => db.select().from(items).where(eq(items.id, id))))
  expect(rows).toEqual(ids.map((id) => [{ id }]))
  expect(db.$connections.getPoolMetrics().totalConnectionsCreated).toBeLessThanOrEqual(2)

  const pids = new Set<unknown>()
  await Promise.all(
    [1000, 1001, 1002].map((id) =>
      db.transaction(async (tx) => {
        await tx.insert(items).values({ id })
        const seen = await db.select().from(items).where(eq(items.id, id))
        expect(seen).toEqual([])
        const { rows: own } = await tx.execute(sql`select pg_backend_pid() as pid`)
        pids.add(own[0]?.pid)
      }),
    ),
  )
  expect(pids.size).toBe(3)
  expect(await db.$count(items)).toBe(203)
  await db.$connections.close()
})
