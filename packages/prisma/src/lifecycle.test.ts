import { createConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, replayTransaction, withConnectionManager } from '@connmgr/prisma'
import { eventually, type PostgresCluster } from '@connmgr/testing'
import { Gate } from '../test/gate.js'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startShop()
})
afterAll(() => cluster.stop())

const settings = () => ({ databaseUrl: cluster.primary.url(), logger: false }) as const

/**
 * Connections that the server has, other than the one that asks. It notices the end of a session a moment after the client
 * has ended it, so wait for a number to be reached.
 */
async function sessions(): Promise<number> {
  const [row] = await cluster.primary.query<{ count: string }>(
    `select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  return Number(row?.count)
}

describe('a client with a manager of its own', () => {
  it('leaves no connection after $disconnect, which may be called again', async () => {
    const prisma = withConnectionManager(PrismaClient, settings())
    await prisma.user.count()
    expect(await sessions()).toBeGreaterThan(0)
    await prisma.$disconnect()
    await prisma.$disconnect()
    await eventually(async () => (await sessions()) === 0)
    expect(prisma.$connections.closed).toBe(true)
  })

  it('connects again when it is used after $disconnect, as a client of Prisma does', async () => {
    const prisma = withConnectionManager(PrismaClient, { ...settings(), poolSize: 2 })
    await prisma.$connect()
    const first = prisma.$connections
    await prisma.$disconnect()
    expect(await prisma.user.count()).toBe(0)
    const second = prisma.$connections
    expect(second).not.toBe(first)
    expect([first.closed, second.closed]).toEqual([true, false])
    expect(second.getPoolMetrics()).toMatchObject({ size: 2, totalCheckouts: 2 })
    await prisma.$disconnect()
    await prisma.$connect()
    expect(await prisma.$transaction((tx) => tx.user.count())).toBe(0)
    await prisma.$disconnect()
    expect(prisma.$connections.closed).toBe(true)
    await eventually(async () => (await sessions()) === 0)
  })

  it('connects again for each kind of first use', async () => {
    const prisma = withConnectionManager(PrismaClient, settings())
    const uses = [
      () => prisma.user.count(),
      () => prisma.$queryRaw`select 1`,
      () => prisma.$transaction([prisma.user.count(), prisma.post.count()]),
      () => prisma.$transaction((tx) => tx.user.count()),
      () => prisma.$extends({ client: { a: 1 } }).user.count(),
      () => replayTransaction(prisma, (tx) => tx.user.count()),
    ]
    for (const use of uses) {
      await use()
      await prisma.$disconnect()
      expect(prisma.$connections.closed).toBe(true)
    }
    await eventually(async () => (await sessions()) === 0)
  })

  it('loses nothing when it is used while it disconnects', async () => {
    const prisma = withConnectionManager(PrismaClient, settings())
    await prisma.$connect()
    const disconnecting = prisma.$disconnect()
    const counting = prisma.user.count()
    await disconnecting
    expect(await counting).toBe(0)
    await prisma.$disconnect()
    await eventually(async () => (await sessions()) === 0)
  })

  it('closes the manager even if Prisma never connected', async () => {
    const prisma = withConnectionManager(PrismaClient, { ...settings(), minIdle: 1 })
    await prisma.$connections.use((client) => client.query('select 1'))
    await prisma.$disconnect()
    await eventually(async () => (await sessions()) === 0)
  })

  it('closes it through a client that extends it further', async () => {
    const prisma = withConnectionManager(PrismaClient, settings()).$extends({ client: { a: 1 } })
    await prisma.user.count()
    await prisma.$disconnect()
    expect(prisma.$connections.closed).toBe(true)
  })

  it('rolls back what is still open at $disconnect', async () => {
    const prisma = withConnectionManager(PrismaClient, settings())
    const begun = new Gate()
    const stuck = new Gate()
    const transaction = prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'forgotten@example.org' } })
      begun.open()
      await stuck.passed
    })
    await begun.passed
    await prisma.$disconnect()
    await eventually(async () => (await sessions()) === 0)
    expect(await cluster.primary.query('select * from "User"')).toEqual([])
    stuck.open()
    await expect(transaction).rejects.toThrow()
    // Prisma has connected again to end the transaction.
    await prisma.$disconnect()
  })

  it('does not keep a manager whose client could not be made', () => {
    const failure = new Error('no client')
    let made: { closed: boolean } | undefined
    expect(() =>
      withConnectionManager((adapter) => {
        made = adapter.manager
        throw failure
      }, settings()),
    ).toThrow(failure)
    expect(made?.closed).toBe(true)
  })
})

describe('clients that share a manager', () => {
  it('leave it open when they disconnect, and connect again when they are used again', async () => {
    await using manager = createConnectionManager(settings())
    const first = withConnectionManager(PrismaClient, manager)
    const second = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
    await Promise.all([first.user.count(), second.user.count()])
    await first.$disconnect()
    await second.$disconnect()
    expect(manager.closed).toBe(false)
    expect(await first.user.count()).toBe(0)
    expect(await second.user.count()).toBe(0)
    await Promise.all([first.$disconnect(), second.$disconnect()])
    expect(manager.pool.listenerCount('error')).toBe(0)
  })

  it('say that it is closed when they are used after its end', async () => {
    const manager = createConnectionManager(settings())
    const prisma = withConnectionManager(PrismaClient, manager)
    await manager.close()
    const closed = { code: 'CONNMGR_POOL_CLOSED' }
    await expect(prisma.user.count()).rejects.toMatchObject(closed)
    await expect(prisma.$transaction((tx) => tx.user.count())).rejects.toMatchObject(closed)
    await expect(prisma.$connect()).rejects.toMatchObject(closed)
    await prisma.$disconnect()
  })

  it('share its connections with plain node-postgres', async () => {
    await using manager = createConnectionManager({ ...settings(), poolSize: 1, maxOverflow: 0 })
    const prisma = withConnectionManager(PrismaClient, manager)
    const pid = 'select pg_backend_pid() as pid'
    const [fromPrisma] = await prisma.$queryRawUnsafe<{ pid: number }[]>(pid)
    const { rows } = await manager.pool.query<{ pid: number }>(pid)
    expect(rows).toEqual([fromPrisma])
    expect(manager.getPoolMetrics()).toMatchObject({ totalConnectionsCreated: 1, checkedOut: 0 })
    await prisma.$disconnect()
  })
})

describe('two managers in one process', () => {
  it('keep to their own databases, counts and ends', async () => {
    await cluster.primary.query('create database other')
    const [shop, other] = [
      withConnectionManager(PrismaClient, settings()),
      withConnectionManager(PrismaClient, {
        ...settings(),
        databaseUrl: cluster.primary.url({ database: 'other' }),
      }),
    ]
    const current = 'select current_database()::text as name'
    expect(await shop.$queryRawUnsafe(current)).toEqual([{ name: 'postgres' }])
    expect(await other.$queryRawUnsafe(current)).toEqual([{ name: 'other' }])
    const checkouts = [shop, other].map(
      ({ $connections }) => $connections.getPoolMetrics().totalCheckouts,
    )
    await shop.$queryRawUnsafe(current)
    const after = [shop, other].map(
      ({ $connections }) => $connections.getPoolMetrics().totalCheckouts,
    )
    expect(after).toEqual([(checkouts[0] ?? 0) + 1, checkouts[1]])
    await shop.$disconnect()
    expect(await other.$queryRawUnsafe(current)).toEqual([{ name: 'other' }])
    await other.$disconnect()
    await eventually(async () => (await sessions()) === 0)
  })
})
