import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { sql } from 'drizzle-orm'
import type * as Adapter from './index.js'
import type { ManagedDatabase } from './pg-types.js'

let cluster: PostgresCluster
let opened: ManagedDatabase[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await Promise.all(opened.map((each) => each.$connections.close()))
  opened = []
})

/** Loads a module of the user's, and all that it imports, as a development server does after each change. */
function load(): ManagedDatabase {
  let db: ManagedDatabase | undefined
  jest.isolateModules(() => {
    const { once, withConnectionManager } = require('./index.js') as typeof Adapter
    const options = { databaseUrl: cluster.primary.url(), poolSize: 2, logger: false } as const
    db = once('drizzle', () => withConnectionManager({}, options))
  })
  opened.push(db as ManagedDatabase)
  return db as ManagedDatabase
}

const ask = async (db: ManagedDatabase) => (await db.execute(sql`select 1 as n`)).rows

test('a module that is loaded again has the database and the manager that it had before, until that is closed', async () => {
  const first = load()
  expect(await ask(first)).toEqual([{ n: 1 }])
  const again = load()
  expect(again).toBe(first)
  expect(again.$connections).toBe(first.$connections)
  expect(await ask(again)).toEqual([{ n: 1 }])
  expect(first.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
  await first.$connections.close()
  const next = load()
  expect(next).not.toBe(first)
  expect(await ask(next)).toEqual([{ n: 1 }])
})
