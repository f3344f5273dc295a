import type { PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'
import type * as Adapter from './index.js'

let cluster: PostgresCluster
let opened: Adapter.Managed<PrismaClient>[] = []

beforeAll(async () => {
  cluster = await startShop()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  for (const each of opened) await each.$disconnect()
  opened = []
})

/** Loads a module of the user's and ours again, as a development server does after each change: Prisma's runtime stays. */
function load(): Adapter.Managed<PrismaClient> {
  let prisma: Adapter.Managed<PrismaClient> | undefined
  jest.isolateModules(() => {
    const { once, withConnectionManager } = require('./index.js') as typeof Adapter
    const options = { databaseUrl: cluster.primary.url(), poolSize: 2, logger: false } as const
    prisma = once('prisma', () => withConnectionManager(PrismaClient, options))
  })
  opened.push(prisma as Adapter.Managed<PrismaClient>)
  return prisma as Adapter.Managed<PrismaClient>
}

test('a module that is loaded again has the client and the manager that it had before, until that is closed', async () => {
  const first = load()
  expect(await first.user.count()).toBe(0)
  const again = load()
  expect(again).toBe(first)
  expect(again.$connections).toBe(first.$connections)
  expect(await again.user.count()).toBe(0)
  expect(first.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
  await first.$disconnect()
  const next = load()
  expect(next.$connections.closed).toBe(false)
  expect(next.$connections).not.toBe(first.$connections)
  expect(await next.user.count()).toBe(0)
})
