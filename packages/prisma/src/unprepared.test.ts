import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { eventually, type PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

const RUNS = 8
const EMAIL = 'ann@example.org'

let cluster: PostgresCluster
let manager: PgConnectionManager
let prisma: ReturnType<typeof open>

function open() {
  return withConnectionManager(PrismaClient, manager)
}

beforeAll(async () => {
  cluster = await startShop()
})
beforeEach(async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
  })
  prisma = open()
  await manager.pool.query('select')
  await eventually(() => manager.getStatementStats().off.length === 0)
})
afterEach(async () => {
  await prisma.$disconnect()
  await manager.close()
})
afterAll(() => cluster.stop())

const find = () => prisma.user.findMany({ where: { email: EMAIL } })
const inTransaction = () =>
  prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { email: EMAIL } })
    const found = await tx.user.findMany({ where: { email: EMAIL } })
    await tx.user.deleteMany({ where: { email: EMAIL } })
    return found
  })

async function repeat(work: () => Promise<unknown>): Promise<void> {
  for (let run = 0; run < RUNS; run += 1) await work()
}

test.each([
  ['a query', find],
  ['an interactive transaction', inTransaction],
])('%s is prepared, and within unprepared it is not', async (_name, work) => {
  await repeat(() => manager.unprepared(work))
  expect(manager.getStatementStats()).toMatchObject({ prepares: 0, statements: 0 })
  await repeat(work)
  const { hits, prepares } = manager.getStatementStats()
  expect(prepares).toBeGreaterThan(0)
  expect(hits).toBeGreaterThan(0)
  await repeat(() => manager.unprepared(work))
  expect(manager.getStatementStats()).toMatchObject({ hits, prepares })
})

test('of queries that run at the same time only those within are not prepared', async () => {
  await repeat(() => Promise.all([find(), manager.unprepared(() => prisma.user.count())]))
  const names = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const { rows } = await manager.pool.query<{ statement: string }>(
        "select statement, pg_sleep(0.05) from pg_prepared_statements where name like 'connmgr\\_%'",
      )
      return rows.map(({ statement }) => statement)
    }),
  )
  const prepared = names.flat().filter((text) => text.includes('"User"'))
  expect(prepared.length).toBeGreaterThan(0)
  expect(prepared.filter((text) => /count/i.test(text))).toEqual([])
})
