import { createConnectionManager } from '@connmgr/pg'
import { describePublishedQueries, type PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'
import { withConnectionManager } from './with-connection-manager.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startShop()
  await cluster.primary.query(
    `insert into "User" (email) select n || '@example.org' from generate_series(1, 3) n`,
  )
})
afterAll(() => cluster.stop())

describePublishedQueries('Prisma on PostgreSQL', () => {
  const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
  const prisma = withConnectionManager(PrismaClient, manager)
  const read = (on: Pick<PrismaClient, 'user'> = prisma) =>
    on.user.findMany({ where: { id: { gt: 1 } } })
  const transact = (finish: () => void) =>
    prisma.$transaction(async (tx) => {
      await read(tx)
      await read(tx)
      finish()
    })
  return {
    manager,
    read: () => read(),
    fail: () => prisma.$queryRawUnsafe('select no_such_column'),
    transact,
    text: /^SELECT .* FROM "public"\."User" WHERE "public"\."User"\."id" > \$1 /,
    close: async () => {
      await prisma.$disconnect()
      await manager.close()
    },
  }
})
