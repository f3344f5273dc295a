import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { PgManagerOptions } from '@connmgr/pg'
import { connectionManagerAdapter, type Managed, withConnectionManager } from '@connmgr/prisma'
import { describeReplay, eventually, type PostgresCluster, patient } from '@connmgr/testing'
import { catalogRead } from '../../pg/test/known-catalog.js'
import { PrismaClient } from '../test/generated/client.js'
import { clearShop, startShop } from '../test/shop.js'
import { replayTransaction } from './replay-transaction.js'

const SCHEMA = readFileSync(path.join(__dirname, '..', 'test', 'schema.sql'), 'utf8')

type Executor = Pick<PrismaClient, '$executeRawUnsafe' | 'user'>

describeReplay('Prisma', {
  table: '"User"',
  createTable: SCHEMA,
  isThirteen: "new.email = '13'",
  slowInsert: `insert into "User" (email) select 'cut' from pg_sleep(60)`,
  codeIn: 'error',
  serializable: 'Serializable',
  open(databaseUrl) {
    const client = withConnectionManager(PrismaClient, { databaseUrl, logger: false })
    return {
      ...verbsOf(client),
      connections: client.$connections,
      replayTransaction: (work, { isolation, ...options } = {}) =>
        replayTransaction(
          client,
          (tx, attempt) => work(verbsOf(tx), attempt),
          options,
          isolation === undefined ? {} : { isolationLevel: isolation as 'Serializable' },
        ),
      transaction: (work) => client.$transaction((tx) => work(verbsOf(tx))),
      ids: async () => (await client.user.findMany()).map(({ email }) => Number(email)),
      catalogRead: () => catalogRead(client.$connections.pool),
      close: () => client.$disconnect(),
    }
  },
})

function verbsOf(client: Executor) {
  return {
    insert: (id: number) => client.user.create({ data: { email: String(id) } }),
    count: () => client.user.count(),
    // Prisma begins only when the result is asked for.
    query: (text: string) => client.$executeRawUnsafe(text).then((rows) => rows),
  }
}

describe('what Prisma alone does', () => {
  let cluster: PostgresCluster
  let prisma: Managed<PrismaClient>

  beforeAll(async () => {
    cluster = await startShop()
  })
  afterEach(async () => {
    await terminateSleeping()
    await prisma.$disconnect()
    await clearShop(cluster)
  })
  afterAll(() => cluster.stop())

  function open(options: PgManagerOptions = {}): Managed<PrismaClient> {
    prisma = withConnectionManager(PrismaClient, {
      databaseUrl: cluster.primary.url(),
      logger: false,
      ...options,
    })
    return prisma
  }

  const terminateSleeping = () =>
    cluster.primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
    )

  const sleeping = () =>
    eventually(
      async () =>
        (await cluster.primary.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
          .length > 0,
    )

  it('runs both of two transactions that conflict', async () => {
    open()
    const conflict = await Promise.all(
      ['x@example.org', 'y@example.org'].map((email) =>
        replayTransaction(
          prisma,
          async (tx) => {
            const before = await tx.user.count()
            await tx.user.create({ data: { email, name: `${before}` } })
            return before
          },
          {},
          { isolationLevel: 'Serializable' },
        ),
      ),
    )
    expect(conflict.sort()).toEqual([0, 1])
  })

  it('does not repeat after any other error', async () => {
    open()
    let attempts = 0
    await expect(
      replayTransaction(prisma, async (tx) => {
        attempts += 1
        await tx.user.create({ data: { email: 'a@example.org' } })
        await tx.user.create({ data: { email: 'a@example.org' } })
      }),
    ).rejects.toMatchObject({ code: 'P2002' })
    expect(attempts).toBe(1)
  })

  it('does not repeat what a time limit has ended, though Prisma tells no more than the code', async () => {
    const limits = [
      [{ queryTimeoutMs: patient(200) }, []],
      [{ clientConfig: { query_timeout: patient(200) } }, []],
      [{}, ['set local transaction_timeout = 200']],
    ] as const
    for (const [options, settings] of limits) {
      for (const replay of ['safe', 'idempotent'] as const) {
        open(options)
        let attempts = 0
        await expect(
          replayTransaction(
            prisma,
            async (tx) => {
              attempts += 1
              for (const setting of settings) await tx.$executeRawUnsafe(setting)
              await tx.$executeRaw`select pg_sleep(60)`
            },
            { replay },
            { timeout: 30_000 },
          ),
        ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
        expect(attempts).toBe(1)
        await prisma.$disconnect()
      }
    }
    open()
  })

  it('waits for a server that starts again, although Prisma gives up on a connection before', async () => {
    open()
    await prisma.$connect()
    await cluster.primary.stop()
    const running = replayTransaction(
      prisma,
      (tx) => tx.user.create({ data: { email: 'a@example.org' } }),
      {},
      { maxWait: patient(100) },
    )
    await eventually(() => prisma.$connections.getReplayStats().replays > 0)
    await cluster.primary.start()
    expect(await running).toMatchObject({ email: 'a@example.org' })
  })

  it('prepares a named statement anew when its session is gone', async () => {
    prisma = withConnectionManager(
      new PrismaClient({
        adapter: connectionManagerAdapter(
          { databaseUrl: cluster.primary.url(), logger: false },
          { statementNameGenerator: ({ sql }) => `named ${sql.length}` },
        ),
      }),
    )
    for (let round = 0; round < 3; round += 1) {
      await prisma.user.create({ data: { email: `${round}@example.org` } })
      expect(await prisma.user.count()).toBe(round + 1)
      await cluster.primary.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
      )
      await eventually(() => prisma.$connections.getPoolMetrics().checkedIn === 0)
    }
  })

  it('runs a statement again by itself with replayStatements', async () => {
    open({ replayStatements: 'safe' })
    await catalogRead(prisma.$connections.pool)
    await cluster.primary.query('create table pace as select 60.0::float as seconds')
    // Prisma begins only when the result is asked for.
    const reading = prisma.$queryRaw<
      { n: number }[]
    >`select 1 as n, pg_sleep(seconds)::text from pace`.then((rows) => rows)
    await sleeping()
    await cluster.primary.query('update pace set seconds = 0')
    await terminateSleeping()
    expect(await reading).toMatchObject([{ n: 1 }])
    expect(prisma.$connections.getReplayStats()).toMatchObject({ recovered: 1 })
  })
})
