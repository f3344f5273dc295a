import { createConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import { FakeClock, type PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster
beforeAll(async () => {
  cluster = await startShop()
  await cluster.primary.query(`
    create schema branch; create table branch."User" (like "User");
    insert into branch."User" values (7, 'branch@example.org')`)
})
afterAll(() => cluster.stop())

const url = (parameters: string): string => `${cluster.primary.url()}?${parameters}`

describe('what a URL of Prisma says', () => {
  it('decides the schema, the size of the pool and how long is waited', async () => {
    const prisma = withConnectionManager(PrismaClient, {
      databaseUrl: url(
        'schema=branch&connection_limit=2&pool_timeout=3&connect_timeout=7&socket_timeout=9',
      ),
      logger: false,
    })
    expect(await prisma.user.findMany({ select: { id: true } })).toEqual([{ id: 7 }])
    expect(prisma.$connections.getPoolSettings()).toMatchObject({
      poolSize: 2,
      maxOverflow: 0,
      acquireTimeoutMs: 3000,
      connectTimeoutMs: 7000,
    })
    await prisma.$disconnect()
  })

  it('holds for a manager that was made before, and yields to the options of the adapter', async () => {
    const manager = createConnectionManager({ databaseUrl: url('schema=branch'), logger: false })
    const ids = async (options?: { schema: string }) => {
      const prisma = withConnectionManager(
        new PrismaClient({ adapter: connectionManagerAdapter(manager, options) }),
      )
      return (await prisma.user.findMany({ select: { id: true } })).map(({ id }) => id)
    }
    expect(await ids()).toEqual([7])
    expect(await ids({ schema: 'public' })).toEqual([])
    await manager.close()
  })

  it('bounds how long a statement runs', async () => {
    const prisma = withConnectionManager(PrismaClient, {
      databaseUrl: url('socket_timeout=1'),
      logger: false,
    })
    await expect(prisma.$queryRaw`select pg_sleep(600)`).rejects.toThrow()
    await prisma.$disconnect()
  })

  it('that cannot be honoured is refused, with the fix, and leaves nothing running', async () => {
    const clock = new FakeClock()
    const make = (parameters: string, options = {}) =>
      connectionManagerAdapter({ databaseUrl: url(parameters), logger: false, clock }, options)
    expect(() => make('statement_cache_size=100')).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.stringMatching(
          /statement_cache_size=100.*leave the parameter out, or give/,
        ),
      }),
    )
    expect(() => make('sslaccept=strict')).toThrow(/add sslmode=require/)
    await clock.settle()
    expect(clock.pendingTimers).toBe(0)
    await make('statement_cache_size=0').release()
    await make('statement_cache_size=100', { statementNameGenerator: () => 'named' }).release()
  })
})
