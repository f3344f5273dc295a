import { createConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import type { PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startShop()
})
afterAll(() => cluster.stop())

test('queries share connections, and transactions have connections of their own', async () => {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 20,
    shared: { lanes: 1, depth: 1000 },
    logger: false,
  })
  const prisma = withConnectionManager(PrismaClient, manager)
  const emails = Array.from({ length: 100 }, (_each, n) => `${n}@example.org`)
  for (const email of emails) await prisma.user.create({ data: { email } })
  const users = await Promise.all(
    emails.map((email) => prisma.user.findUnique({ where: { email } })),
  )
  expect(users.map((user) => user?.email)).toEqual(emails)
  expect(manager.getPoolMetrics().totalConnectionsCreated).toBeLessThanOrEqual(2)

  const pids = new Set<unknown>()
  await Promise.all(
    ['a', 'b', 'c'].map((email) =>
      prisma.$transaction(async (tx) => {
        await tx.user.create({ data: { email } })
        expect(await prisma.user.findUnique({ where: { email } })).toBeNull()
        const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
        pids.add(row?.pid)
      }),
    ),
  )
  expect(pids.size).toBe(3)
  await expect(prisma.user.create({ data: { email: 'a' } })).rejects.toMatchObject({
    code: 'P2002',
  })
  expect(await prisma.user.count()).toBe(103)
  await prisma.$disconnect()
  await manager.close()
})
