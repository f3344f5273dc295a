import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import type { PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startShop()
  manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
})
afterAll(async () => {
  await manager.close()
  await cluster.stop()
})

it('hands options on to PrismaPg: the schema of the tables', async () => {
  await manager.pool.query('create schema branch; create table branch."User" (like "User")')
  await manager.pool.query(`insert into branch."User" values (7, 'branch@example.org')`)
  const prisma = withConnectionManager(
    new PrismaClient({ adapter: connectionManagerAdapter(manager, { schema: 'branch' }) }),
  )
  expect(await prisma.user.findMany({ select: { id: true } })).toEqual([{ id: 7 }])
  await prisma.$disconnect()
})

it('hands options on to PrismaPg: names for prepared statements', async () => {
  const adapter = connectionManagerAdapter(manager, { statementNameGenerator: () => 'counted' })
  const prisma = new PrismaClient({ adapter })
  const statements = () =>
    prisma.$queryRawUnsafe('select name from pg_prepared_statements where name = $1', 'counted')
  expect(await statements()).toEqual([{ name: 'counted' }])
  await prisma.$disconnect()
})

it('serves a subclass that makes its own adapter', async () => {
  class Shop extends PrismaClient {
    constructor() {
      super({ adapter: connectionManagerAdapter(manager) })
    }
  }
  const shop = withConnectionManager(new Shop())
  expect(await shop.user.count()).toBe(0)
  expect(shop.$connections).toBe(manager)
  await shop.$disconnect()
})

it('refuses to let Prisma close the pool', () => {
  const options = { disposeExternalPool: true } as object
  expect(() => connectionManagerAdapter(manager, options)).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'disposeExternalPool' }),
  )
})

it('checks the options of the manager at once', () => {
  expect(() => connectionManagerAdapter({ poolSise: 5 } as object)).toThrow(/poolSise/)
})
