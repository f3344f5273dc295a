import { type Managed, withConnectionManager } from '@connmgr/prisma'
import type { PostgresCluster } from '@connmgr/testing'
import { patient } from '@connmgr/testing'
import { Gate } from '../test/gate.js'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster
let prisma: Managed<PrismaClient>

beforeAll(async () => {
  cluster = await startShop()
  // Runs in COMMIT, and not before.
  await cluster.primary.query(`
    create function dawdle() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
    create constraint trigger dawdle after insert on "User" deferrable initially deferred
      for each row when (new.name = 'slow') execute function dawdle()`)
})
afterAll(() => cluster.stop())

beforeEach(() => {
  prisma = withConnectionManager(PrismaClient, {
    databaseUrl: cluster.primary.url(),
    acquireTimeoutMs: patient(5000),
    logger: false,
  })
})
afterEach(() => prisma.$disconnect())

const slow = { email: 'slow@example.org', name: 'slow' }

/** Waits until a session is in COMMIT; its process id. */
async function committing(): Promise<number> {
  for (;;) {
    const [row] = await cluster.primary.query<{ pid: number }>(
      `select pid from pg_stat_activity where query = 'COMMIT' and state = 'active'`,
    )
    if (row !== undefined) return row.pid
  }
}

const unknown = { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' }

it('a COMMIT that the server ends while it is in flight has an unknown outcome', async () => {
  const transaction = prisma.$transaction((tx) => tx.user.create({ data: slow }))
  const rejected = expect(transaction).rejects.toMatchObject({ ...unknown, sqlState: '08007' })
  await cluster.primary.query('select pg_terminate_backend($1)', [await committing()])
  await rejected
})

it('so has the COMMIT of a nested write, and of a batch', async () => {
  const posts = { create: { title: 'a' } }
  for (const write of [
    () => prisma.user.create({ data: { ...slow, posts } }),
    () => prisma.$transaction([prisma.user.create({ data: slow }), prisma.user.count()]),
  ]) {
    const rejected = expect(write()).rejects.toMatchObject(unknown)
    await cluster.primary.query('select pg_terminate_backend($1)', [await committing()])
    await rejected
  }
})

it('a COMMIT that the database refuses fails with its own error', async () => {
  await cluster.primary.query(
    `alter table "Post" alter constraint "Post_authorId_fkey" deferrable initially deferred`,
  )
  await expect(
    prisma.$transaction(
      (tx) => tx.$executeRaw`insert into "Post" (title, "authorId") values ('a', 99)`,
    ),
  ).rejects.toMatchObject({ name: 'DriverAdapterError', cause: { originalCode: '23503' } })
})

it('a COMMIT that was never sent, because the connection had been lost before, committed nothing', async () => {
  const lost = new Gate()
  prisma.$connections.on('connectionClosed', () => lost.open())
  const transaction = prisma.$transaction(async (tx) => {
    await tx.user.create({ data: { email: 'ada@example.org' } })
    const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
    await cluster.primary.query('select pg_terminate_backend($1)', [row?.pid])
    await lost.passed
  })
  await expect(transaction).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
  expect(await prisma.user.count()).toBe(0)
})

it('a COMMIT in flight when the machine dies has an unknown outcome', async () => {
  const transaction = prisma.$transaction((tx) => tx.user.create({ data: slow }))
  const rejected = expect(transaction).rejects.toMatchObject(unknown)
  await committing()
  await cluster.primary.crash()
  await rejected
})
