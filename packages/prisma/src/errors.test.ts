import { inspect } from 'node:util'
import type { PgManagerOptions } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { type PostgresCluster, patient, startSilentServer } from '@connmgr/testing'
import { Gate } from '../test/gate.js'
import { PrismaClient } from '../test/generated/client.js'
import { clearShop, startShop } from '../test/shop.js'

const SECRET = 'geheim'
let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startShop({ hbaMethod: 'scram-sha-256' })
})
afterEach(() => clearShop(cluster))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}) {
  return withConnectionManager(PrismaClient, {
    databaseUrl: cluster.primary.url(),
    logger: false,
    ...options,
  })
}

/** What a promise is rejected with. */
async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('an error of the database', () => {
  it("keeps Prisma's code", async () => {
    const prisma = open()
    const data = { email: 'ada@example.org' }
    await prisma.user.create({ data })
    await expect(prisma.user.create({ data })).rejects.toMatchObject({ code: 'P2002' })
    await expect(prisma.post.create({ data: { title: 'a', authorId: 99 } })).rejects.toMatchObject({
      code: 'P2003',
    })
    await expect(
      prisma.user.update({ where: { id: 99 }, data: { name: 'a' } }),
    ).rejects.toMatchObject({ code: 'P2025' })
    await expect(prisma.$queryRaw`select 1 from nowhere`).rejects.toMatchObject({ code: 'P2010' })
    await prisma.$disconnect()
  })

  it('costs no connection', async () => {
    const prisma = open({ poolSize: 1, maxOverflow: 0 })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await failureOf(prisma.$queryRaw`select 1 from nowhere`)
      await failureOf(prisma.$transaction((tx) => tx.$queryRaw`select 1 from nowhere`))
    }
    expect(prisma.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
    await prisma.$disconnect()
  })
})

describe('an exhausted pool', () => {
  it('rejects every kind of call with CONNMGR_ACQUIRE_TIMEOUT and who has the connections', async () => {
    const prisma = open({ poolSize: 1, maxOverflow: 0, acquireTimeoutMs: patient(100) })
    const lease = await prisma.$connections.acquire({ label: 'the nightly report' })
    const calls = {
      model: () => prisma.user.count(),
      raw: () => prisma.$queryRaw`select 1`,
      batch: () => prisma.$transaction([prisma.user.count()]),
      interactive: () => prisma.$transaction((tx) => tx.user.count()),
    }
    for (const call of Object.values(calls)) {
      expect(await failureOf(call())).toMatchObject({
        code: 'CONNMGR_ACQUIRE_TIMEOUT',
        message: expect.stringContaining('all connections are in use'),
      })
    }
    lease.release()
    expect(await prisma.user.count()).toBe(0)
    await prisma.$disconnect()
  })

  it('rejects at once with CONNMGR_QUEUE_FULL when maxWaiters callers wait', async () => {
    const prisma = open({ poolSize: 1, maxOverflow: 0, maxWaiters: 1 })
    const lease = await prisma.$connections.acquire()
    const waiting = prisma.user.count().then((count) => count)
    while (prisma.$connections.getPoolMetrics().waiting === 0) await new Promise(setImmediate)
    await expect(prisma.user.count()).rejects.toMatchObject({ code: 'CONNMGR_QUEUE_FULL' })
    lease.release()
    expect(await waiting).toBe(0)
    await prisma.$disconnect()
  })

  it('gives back the connection that comes after a transaction has stopped waiting (maxWait)', async () => {
    const prisma = open({ poolSize: 1, maxOverflow: 0 })
    const lease = await prisma.$connections.acquire()
    await expect(
      prisma.$transaction((tx) => tx.user.count(), { maxWait: patient(50) }),
    ).rejects.toMatchObject({ code: 'P2028' })
    lease.release()
    expect(await prisma.user.count()).toBe(0)
    expect(prisma.$connections.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
    await prisma.$disconnect()
  })
})

it('a transaction that outlives its timeout gives its connection back clean', async () => {
  const prisma = open({ poolSize: 1, maxOverflow: 0 })
  await prisma.$connect()
  const expired = new Gate()
  prisma.$connections.on('connectionReleased', () => expired.open())
  const transaction = prisma.$transaction(
    async (tx) => {
      await tx.user.create({ data: { email: 'late@example.org' } })
      await expired.passed
      await tx.user.count()
    },
    { timeout: 100 },
  )
  await expect(transaction).rejects.toMatchObject({ code: 'P2028' })
  expect(await prisma.user.count()).toBe(0)
  expect(prisma.$connections.getPoolMetrics().checkedOut).toBe(0)
  await prisma.$disconnect()
})

describe('what cannot work fails with one error that has a code and no secret', () => {
  const withSecret = (url: string) => url.replace('postgres-secret', SECRET)

  it.each<[string, () => PgManagerOptions]>([
    ['an unknown option', () => ({ poolSise: 5 }) as PgManagerOptions],
    ['a negative number', () => ({ poolSize: -1 })],
    ['another scheme', () => ({ databaseUrl: `mongodb://app:${SECRET}@localhost/shop` })],
    ['a malformed URL', () => ({ databaseUrl: `postgres://app:${SECRET}@host:port/shop` })],
    ['several hosts', () => ({ databaseUrl: `postgres://app:${SECRET}@a,b/shop` })],
  ])('%s, when the client is made', (_, options) => {
    let failure: unknown
    try {
      open(options())
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
    expect(inspect(failure, { depth: 9 })).not.toContain(SECRET)
  })

  it('the URL of another database than the schema is for', () => {
    expect(() => open({ databaseUrl: `mysql://app:${SECRET}@localhost/shop` })).toThrow(
      /based on `mysql`, is not compatible with the provider `postgres`/,
    )
  })

  it.each<[string, string, RegExp, () => PgManagerOptions]>([
    [
      'an unreachable server',
      'CONNMGR_ACQUIRE_TIMEOUT',
      /ECONNREFUSED/,
      () => ({ databaseUrl: `postgres://app:${SECRET}@127.0.0.1:1/shop` }),
    ],
    [
      'a wrong password',
      'CONNMGR_CONNECT_FAILED',
      /password authentication failed/,
      () => ({ databaseUrl: withSecret(cluster.primary.url()) }),
    ],
    [
      'a missing database',
      'CONNMGR_CONNECT_FAILED',
      /database "nowhere" does not exist/,
      () => ({ databaseUrl: cluster.primary.url({ database: 'nowhere' }) }),
    ],
  ])('%s, within the deadline', async (_, code, message, options) => {
    const prisma = open({
      ...options(),
      acquireTimeoutMs: patient(500),
      connectTimeoutMs: patient(300),
      startTimeoutMs: patient(10_000),
    })
    const calls = [
      () => prisma.user.count(),
      () => prisma.$queryRaw`select 1`,
      () => prisma.$transaction((tx) => tx.user.count(), { maxWait: patient(5000) }),
    ]
    for (const call of calls) {
      const startedAt = performance.now()
      const failure = await failureOf(call())
      expect(performance.now() - startedAt).toBeLessThan(patient(2000))
      expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
      expect(inspect(failure, { depth: 9 })).not.toMatch(/geheim|postgres-secret/)
    }
    expect(inspect(prisma.$connections, { depth: 9 })).not.toMatch(/geheim|postgres-secret/)
    await prisma.$disconnect()
  })

  it('a server that accepts and never answers, within the deadline', async () => {
    const silent = await startSilentServer()
    const prisma = open({
      databaseUrl: `postgres://app:${SECRET}@127.0.0.1:${silent.port}/shop`,
      acquireTimeoutMs: patient(500),
      connectTimeoutMs: patient(300),
    })
    const failure = await failureOf(prisma.user.count())
    expect(failure).toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    expect(inspect(failure, { depth: 9 })).not.toContain(SECRET)
    await prisma.$disconnect()
    await silent.close()
  })
})
