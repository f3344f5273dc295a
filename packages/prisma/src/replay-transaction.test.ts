import type { PgManagerOptions } from '@connmgr/pg'
import { connectionManagerAdapter, type Managed, withConnectionManager } from '@connmgr/prisma'
import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  patient,
  startFaultProxy,
} from '@connmgr/testing'
import { catalogRead } from '../../pg/test/known-catalog.js'
import { PrismaClient } from '../test/generated/client.js'
import { clearShop, startShop } from '../test/shop.js'
import { replayTransaction } from './replay-transaction.js'

let cluster: PostgresCluster
let proxy: FaultProxy
let prisma: Managed<PrismaClient>

beforeAll(async () => {
  cluster = await startShop({ standbys: 1, synchronous: true })
  await cluster.primary.query(`
    create function dawdle() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
    create constraint trigger dawdle after insert on "User" deferrable initially deferred
      for each row when (new.name = 'slow') execute function dawdle()`)
})
beforeEach(async () => {
  proxy = await startFaultProxy({ target: cluster.primary })
})
afterEach(async () => {
  await terminateSleeping()
  await prisma.$disconnect()
  await proxy.close()
  await clearShop(cluster)
})
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): Managed<PrismaClient> {
  prisma = withConnectionManager(PrismaClient, {
    databaseUrl: cluster.primary.url().replace(`:${cluster.primary.port}`, `:${proxy.port}`),
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

/** Ends the session of a transaction, between two statements. */
async function endSession(tx: { $queryRawUnsafe<T>(text: string): Promise<T> }): Promise<void> {
  const [row] = await tx.$queryRawUnsafe<{ pid: number }[]>('select pg_backend_pid() as pid')
  await cluster.primary.query('select pg_terminate_backend($1)', [row?.pid])
  await eventually(
    async () =>
      (await cluster.primary.query('select 1 from pg_stat_activity where pid = $1', [row?.pid]))
        .length === 0,
  )
}

it('runs an interactive transaction again whose session ends between two statements or under one', async () => {
  open()
  const attempts: number[] = []
  const created = await replayTransaction(prisma, async (tx, attempt) => {
    attempts.push(attempt)
    const user = await tx.user.create({ data: { email: `${attempt}@example.org` } })
    if (attempt === 1) await endSession(tx)
    if (attempt === 2) {
      const hanging = tx.$executeRaw`select pg_sleep(60)`.then(() => {})
      await Promise.all([hanging, sleeping().then(terminateSleeping)])
    }
    await tx.user.count()
    return user.email
  })
  expect(created).toBe('3@example.org')
  expect(attempts).toEqual([1, 2, 3])
  expect(await prisma.user.findMany({ select: { email: true } })).toEqual([
    { email: '3@example.org' },
  ])
})

it('runs it again after a write conflict, a deadlock and the refusal of a standby', async () => {
  open()
  const attempts: number[] = []
  await replayTransaction(prisma, async (tx, attempt) => {
    attempts.push(attempt)
    const code = ['40001', '40P01', '25006'][attempt - 1]
    if (code !== undefined)
      await tx.$executeRawUnsafe(
        `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`,
      )
    await tx.user.create({ data: { email: 'a@example.org' } })
  })
  expect(attempts).toEqual([1, 2, 3, 4])
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
  expect(conflict.sort()).toEqual([1, 2])
})

it('does not repeat what other errors tell of', async () => {
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

it('does not repeat an error of the work as its session has ended while it was idle', async () => {
  for (const replay of ['safe', 'idempotent'] as const) {
    open()
    let attempts = 0
    await expect(
      replayTransaction(
        prisma,
        async (tx) => {
          attempts += 1
          await tx.user.create({ data: { email: 'a@example.org' } })
          await endSession(tx)
          throw new Error('sold out')
        },
        { replay },
      ),
    ).rejects.toThrow('sold out')
    expect(attempts).toBe(1)
    expect(await prisma.user.count()).toBe(0)
    await prisma.$disconnect()
  }
  open()
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

it('asks what became of a COMMIT, and returns the result of what was committed', async () => {
  open()
  let asked = 0
  const running = replayTransaction(
    prisma,
    (tx) => tx.user.create({ data: { email: 'slow@example.org', name: 'slow' } }),
    {
      outcome: async () => {
        asked += 1
        return asked === 1 ? 'committed' : 'unknown'
      },
    },
  )
  await sleeping()
  proxy.reset()
  expect(await running).toMatchObject({ email: 'slow@example.org' })
  await terminateSleeping()
  const unresolved = expect(
    replayTransaction(prisma, (tx) =>
      tx.user.create({ data: { email: 'slower@example.org', name: 'slow' } }),
    ),
  ).rejects.toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
  await sleeping()
  proxy.reset()
  await unresolved
})

it('waits for a server that starts again, although Prisma gives up on a connection before', async () => {
  open({ databaseUrl: cluster.primary.url() })
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

describe('a statement outside of a transaction', () => {
  const insert = () =>
    prisma.$executeRaw`insert into "User" (email) select 'cut@example.org' from pg_sleep(60)`

  it('keeps its code when it is cut off', async () => {
    open()
    const write = expect(insert()).rejects.toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
    })
    await sleeping()
    proxy.reset()
    await write
    await terminateSleeping()
    await catalogRead(prisma.$connections.pool)
    const read = expect(prisma.$queryRaw`select pg_sleep(60)::text`).rejects.toMatchObject({
      code: 'CONNMGR_CONNECTION_LOST',
    })
    await sleeping()
    proxy.reset()
    await read
  })

  it('of replay() is run again if it only read, and never if it may have written', async () => {
    open()
    await catalogRead(prisma.$connections.pool)
    const reading = prisma.$connections.replay(
      (attempt) =>
        prisma.$queryRaw<{ n: number }[]>`select ${attempt}::int as n, pg_sleep(0.3)::text`,
    )
    await sleeping()
    proxy.reset()
    expect(await reading).toMatchObject([{ n: 2 }])
    let attempts = 0
    const writing = expect(
      prisma.$connections.replay(() => {
        attempts += 1
        return insert()
      }),
    ).rejects.toMatchObject({ code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' })
    await sleeping()
    proxy.reset()
    await writing
    expect(attempts).toBe(1)
  })

  it('of replay() that was done keeps what fails after it from being run again', async () => {
    open()
    let attempts = 0
    await expect(
      prisma.$connections.replay(async () => {
        attempts += 1
        await prisma.user.create({ data: { email: 'kept@example.org' } })
        await prisma.$transaction((tx) => endSession(tx).then(() => tx.user.count()))
      }),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
    expect(attempts).toBe(1)
  })

  it('is run again by itself with replayStatements', async () => {
    open({ replayStatements: 'safe' })
    // Prisma begins only when somebody asks for the result.
    const reading = prisma.$queryRaw<{ n: number }[]>`select 1 as n, pg_sleep(0.3)::text`.then(
      (rows) => rows,
    )
    await sleeping()
    await terminateSleeping()
    expect(await reading).toMatchObject([{ n: 1 }])
    expect(prisma.$connections.getReplayStats()).toMatchObject({ recovered: 1 })
  })
})
