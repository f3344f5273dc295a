import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import * as drizzle from '@connmgr/drizzle'
import {
  createConnectionManager,
  ManagedPool,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import * as prisma from '@connmgr/prisma'
import { findFreePort, type PostgresCluster, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { sql } from 'drizzle-orm'
import { DataSource } from 'typeorm'
import { PrismaClient } from '../packages/prisma/test/generated/client.js'

/** How users start the engine, by each entry point. */
const STARTS: Readonly<
  Record<string, (options: PgManagerOptions) => { start: Promise<unknown>; end: () => unknown }>
> = {
  'warmUp()': (options) => {
    const manager = createConnectionManager(options)
    return { start: manager.warmUp(), end: () => manager.close() }
  },
  'use()': (options) => {
    const manager = createConnectionManager(options)
    return { start: manager.use(() => {}), end: () => manager.close() }
  },
  'pool.connect()': (options) => {
    const pool = new ManagedPool(options)
    return { start: pool.connect().then((client) => client.release()), end: () => pool.end() }
  },
  'initialize() of TypeORM': (options) => {
    const source = new DataSource(typeorm.withConnectionManager({ type: 'postgres' }, options))
    return {
      start: source.initialize(),
      end: () => (source.isInitialized ? source.destroy() : undefined),
    }
  },
  '$connect() of Prisma': (options) => {
    const client = prisma.withConnectionManager(PrismaClient, options)
    return { start: client.$connect(), end: () => client.$disconnect() }
  },
  'the first query of Prisma': (options) => {
    const client = prisma.withConnectionManager(PrismaClient, options)
    return { start: client.$queryRaw`select 1`.then(), end: () => client.$disconnect() }
  },
  'the first query of Drizzle': (options) => {
    const db = drizzle.withConnectionManager({}, options)
    return { start: db.execute(sql`select 1`).then(), end: () => db.$connections.close() }
  },
}

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster({ hbaMethod: 'scram-sha-256', standbys: 1 })
})
afterAll(() => cluster.stop())

/** Codes of an error and of its causes, the outermost first. */
function codesOf(error: unknown): unknown[] {
  const codes: unknown[] = []
  for (
    let each = error;
    typeof each === 'object' && each !== null;
    each = (each as { cause?: unknown }).cause
  ) {
    const { code } = each as { code?: unknown }
    if (code !== undefined) codes.push(code)
  }
  return codes
}

async function failureOf(
  name: string,
  options: PgManagerOptions,
): Promise<{ codes: unknown[]; text: string }> {
  const { start, end } = STARTS[name]?.({ logger: false, ...options }) ?? {}
  try {
    await start
  } catch (error) {
    return { codes: codesOf(error), text: String((error as Error).message) }
  } finally {
    await end?.()
  }
  throw new Error('it started')
}

/** Of an error in a query Prisma keeps the code and the message, and drops the cause. */
const expectedCodes = (name: string, cause: unknown): unknown[] => [
  'CONNMGR_CONNECT_FAILED',
  ...(cause === undefined || name === 'the first query of Prisma' ? [] : [cause]),
]

/** A server that answers every login with one error and hangs up. */
async function startRefusing(sqlState: string): Promise<{ port: number; server: Server }> {
  const fields = `SFATAL\0VFATAL\0C${sqlState}\0Mthe database system is starting up\0\0`
  const length = Buffer.alloc(4)
  length.writeInt32BE(fields.length + 4)
  const answer = Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)])
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, server }
}

/** Far below what an acquire waits: whatever takes that long instead runs into the deadline of the test. */
const SOON = { startTimeoutMs: 1500, acquireTimeoutMs: 600_000 }
const names = Object.keys(STARTS)

// Together: most of the time passes in waiting for a start to be given up.
describe.each(names)('%s', (name) => {
  test.concurrent('fails with the code when nothing listens', async () => {
    const databaseUrl = `postgres://app:geheim@127.0.0.1:${await findFreePort()}/app`
    const { codes, text } = await failureOf(name, { databaseUrl, ...SOON })
    expect(codes).toEqual(expectedCodes(name, 'ECONNREFUSED'))
    expect(text).not.toContain('geheim')
  })

  test.concurrent('fails with the code when nothing listens at any of several servers', async () => {
    const [one, other] = [await findFreePort(), await findFreePort()]
    const { codes } = await failureOf(name, {
      databaseUrl: `postgres://app:geheim@127.0.0.1:${one}/app`,
      failoverUrls: [`postgres://app:geheim@127.0.0.1:${other}/app`],
      ...SOON,
    })
    expect(codes).toEqual(expectedCodes(name, 'ECONNREFUSED'))
  })

  test.concurrent('fails with the code when the name does not exist', async () => {
    const { codes } = await failureOf(name, {
      databaseUrl: 'postgres://app:geheim@no-such-host.invalid/app',
      ...SOON,
    })
    expect(codes).toEqual(expectedCodes(name, expect.stringMatching(/ENOTFOUND|EAI_AGAIN/)))
  })

  test.concurrent('fails with the code when the server is still starting', async () => {
    const { port, server } = await startRefusing('57P03')
    const databaseUrl = `postgres://app:geheim@127.0.0.1:${port}/app`
    expect((await failureOf(name, { databaseUrl, ...SOON })).codes).toEqual(
      expectedCodes(name, '57P03'),
    )
    server.close()
  })

  test.concurrent.each([
    ['a wrong password', (url: string) => url.replace('postgres-secret', 'geheim'), '28P01'],
    ['a missing database', (url: string) => url.replace(/[^/]+$/, 'nowhere'), '3D000'],
    ['TLS that is refused', (url: string) => `${url}?sslmode=require`, undefined],
  ])('fails at once with the code for %s', async (_what, wrong, cause) => {
    // However long a server is waited for: waiting mends nothing.
    const patient = { startTimeoutMs: 600_000, acquireTimeoutMs: 600_000 }
    for (const nodes of [[cluster.primary], [cluster.primary, ...cluster.standbys]]) {
      const [databaseUrl = '', ...failoverUrls] = nodes.map((each) => wrong(each.url()))
      const { codes } = await failureOf(name, { databaseUrl, failoverUrls, ...patient })
      expect(codes).toEqual(expectedCodes(name, cause))
    }
  })
})

describe('a server that comes up in time', () => {
  test.each([1, 2])('is waited for, with %i of them, whatever starts', async (count) => {
    await using late = await startCluster({ standbys: 1 })
    const [databaseUrl = '', ...failoverUrls] = [late.primary, ...late.standbys]
      .slice(0, count)
      .map((each) => each.url())
    await late.primary.stop()
    for (const each of late.standbys) await each.stop()
    const delayed: string[] = []
    const warn = (message: string): unknown => delayed.push(message)
    const none = (): void => {}
    const logger = { debug: none, info: none, warn, error: none }
    const options = { databaseUrl, failoverUrls, startTimeoutMs: 60_000, logger }
    const started = names.map((name) => STARTS[name]?.(options))
    const outcomes = started.map((each) => each?.start)
    for (const each of outcomes) each?.catch(() => {})
    while (delayed.filter((line) => line.includes('not there yet')).length < names.length)
      await new Promise((resolve) => setTimeout(resolve, 20))
    await late.primary.start()
    for (const each of late.standbys) await each.start()
    const failures = (await Promise.allSettled(outcomes)).map((outcome, at) =>
      outcome.status === 'fulfilled' ? [] : [names[at], outcome.reason],
    )
    expect(failures.flat()).toEqual([])
    for (const each of started) await each?.end()
  })
})

test('a Prisma client that could not connect can be asked again', async () => {
  await using late = await startCluster()
  await late.primary.stop()
  const client = prisma.withConnectionManager(PrismaClient, {
    databaseUrl: late.primary.url(),
    startTimeoutMs: 500,
    logger: false,
  })
  await expect(client.$connect()).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
  await late.primary.start()
  await client.$connect()
  expect(await client.$queryRaw`select 1 as n`).toEqual([{ n: 1 }])
  await client.$disconnect()
})

test('a DataSource that could not be initialized can be initialized later, and holds nothing back', async () => {
  await using late = await startCluster()
  await late.primary.stop()
  const managers = new Set<PgConnectionManager>()
  const source = new DataSource(
    typeorm.withConnectionManager(
      { type: 'postgres', url: late.primary.url() },
      { startTimeoutMs: 500, logger: false },
    ),
  )
  managers.add(typeorm.getConnections(source))
  await expect(source.initialize()).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_FAILED' })
  await late.primary.start()
  await source.initialize()
  managers.add(typeorm.getConnections(source))
  expect([...managers].map((each) => each.closed)).toEqual([true, false])
  await source.destroy()
})
