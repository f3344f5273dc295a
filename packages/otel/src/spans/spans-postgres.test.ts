import * as drizzle from '@connmgr/drizzle'
import { createConnectionManager, type PgManagerOptions } from '@connmgr/pg'
import * as prisma from '@connmgr/prisma'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { eq } from 'drizzle-orm'
import { pgTable, serial, text } from 'drizzle-orm/pg-core'
import Cursor from 'pg-cursor'
import { DataSource, EntitySchema } from 'typeorm'
import { PrismaClient } from '../../../prisma/test/generated/client.js'
import { meterProvider } from '../../test/collected.js'
import { durationOf, RecordedSpans, useFlowContexts } from '../../test/recorded-spans.js'
import { instrument } from '../index.js'

const User = new EntitySchema<{ id: number; email: string }>({
  name: 'User',
  tableName: 'User',
  columns: { id: { type: Number, primary: true, generated: true }, email: { type: String } },
})
const users = pgTable('User', { id: serial('id').primaryKey(), email: text('email') })

let cluster: PostgresCluster
let spans: RecordedSpans
const ends: (() => unknown)[] = []

beforeAll(async () => {
  useFlowContexts()
  cluster = await startCluster()
  await cluster.primary.query(
    'create table "User" (id serial primary key, email text not null unique, name text)',
  )
})
afterAll(() => cluster.stop())
beforeEach(() => {
  spans = new RecordedSpans()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function open(options: PgManagerOptions = {}) {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    name: 'shop',
    logger: false,
    ...options,
  })
  const stop = instrument(manager, {
    meterProvider: meterProvider().provider,
    tracerProvider: spans.provider,
    spans: true,
  })
  ends.push(() => manager.close({ drainTimeoutMs: 0 }), stop)
  return manager
}

test('a statement is a span of the conventions, below that of its caller', async () => {
  const manager = open()
  await spans.within('request', () => manager.pool.query('select * from "User" where id = $1', [7]))
  const [span] = spans.ours
  expect(spans.ours).toHaveLength(1)
  expect(span).toMatchObject({ name: 'select "User"', kind: SpanKind.CLIENT, status: { code: 0 } })
  expect(span?.attributes).toEqual({
    'db.system.name': 'postgresql',
    'db.namespace': 'postgres',
    'db.query.summary': 'select "User"',
    'db.query.text': 'select * from "User" where id = $1',
    'server.address': '127.0.0.1',
    'server.port': cluster.primary.port,
    'db.client.connection.pool.name': 'shop',
    'connmgr.endpoint': expect.stringContaining(String(cluster.primary.port)),
    'connmgr.wait_time': expect.any(Number),
  })
  expect(spans.parentOf(span)?.name).toBe('request')
  const [request] = spans.all.filter(({ name }) => name === 'request')
  expect(durationOf(span as never)).toBeLessThanOrEqual(durationOf(request as never) + 1)
})

test('values in a text are replaced, and those of errors are not shown', async () => {
  const manager = open()
  await manager.pool.query(`insert into "User" (email) values ('ann@example.com')`)
  await expect(
    manager.pool.query(`insert into "User" (email) values ('ann@example.com')`),
  ).rejects.toThrow()
  const [done, failed] = spans.ours
  expect(done?.attributes['db.query.text']).toBe('insert into "User" (email) values (?)')
  expect(failed).toMatchObject({
    name: 'insert "User"',
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': '23505', 'db.response.status_code': '23505' },
  })
  const shown = JSON.stringify(
    spans.ours.map(({ attributes, events, name, status }) => ({
      attributes,
      events,
      name,
      status,
    })),
  )
  expect(shown).not.toContain('ann@')
})

test('waiting is measured apart from running', async () => {
  const manager = open({ poolSize: 1, maxOverflow: 0 })
  await manager.pool.query('select 1')
  // A busy machine can take long enough for this to be a span of its own.
  const lease = await manager.acquire()
  spans.clear()
  await spans.within('request', async () => {
    const waiting = manager.pool.query('select pg_sleep(0.2)')
    await lease.connection.query('select pg_sleep(0.3)')
    lease.release()
    await waiting
  })
  const [held, waited] = spans.ours
  expect(spans.ours).toHaveLength(2)
  expect(held?.attributes['connmgr.wait_time']).toBeLessThan(0.2)
  expect(waited?.attributes['connmgr.wait_time']).toBeGreaterThan(0.25)
  expect(durationOf(waited as never)).toBeGreaterThan(480)
  expect(waited?.events.map(({ name }) => name)).toEqual(['connmgr.sent'])
})

test('a caller who waits for a connection of its own has a span for it, and so has one who gets none', async () => {
  const manager = open({ poolSize: 1, maxOverflow: 0 })
  const lease = await manager.acquire()
  spans.clear()
  await spans.within('request', async () => {
    await manager.acquire({ timeoutMs: 30 }).catch(() => {})
    const waiting = manager.use((client) => client.query('select 1'))
    setTimeout(() => lease.release(), 30)
    await waiting
  })
  expect(spans.ours.map(({ name }) => name)).toEqual(['acquire', 'acquire', 'select'])
  const [failed, waited, statement] = spans.ours
  expect(failed).toMatchObject({
    kind: SpanKind.INTERNAL,
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'CONNMGR_ACQUIRE_TIMEOUT' },
  })
  expect(durationOf(waited as never)).toBeGreaterThanOrEqual(20)
  expect(statement?.attributes['connmgr.wait_time']).toBeLessThan(0.02)
  for (const span of spans.ours) expect(spans.parentOf(span)?.name).toBe('request')
})

test('a transaction is a span around its statements, and a span that its work begins stands between', async () => {
  const manager = open()
  await spans.within('request', () =>
    manager.transaction(async (client) => {
      await client.query('select 1')
      await spans.within('step', () => client.query('select 2'))
    }),
  )
  await expect(
    manager.transaction(async (client) => {
      await client.query('select 3')
      throw new Error('undo')
    }),
  ).rejects.toThrow('undo')
  const around = Object.fromEntries(
    spans.statements.map((span) => [
      span.attributes['db.query.text'] as string,
      spans.parentOf(span)?.name,
    ]),
  )
  expect(around).toEqual({
    BEGIN: 'transaction',
    'select ?': 'transaction',
    COMMIT: 'transaction',
    ROLLBACK: 'transaction',
  })
  const [, , second] = spans.statements
  expect(spans.parentOf(second)?.name).toBe('step')
  const [committed, rolledBack] = spans.named('transaction')
  expect(committed?.attributes['connmgr.transaction.outcome']).toBe('commit')
  expect(spans.parentOf(committed)?.name).toBe('request')
  expect(rolledBack?.attributes['connmgr.transaction.outcome']).toBe('rollback')
  expect(spans.parentOf(rolledBack)).toBeUndefined()
})

test('a transaction that its borrower leaves open ends with the lease', async () => {
  const manager = open()
  await manager.use((client) => client.query('begin'))
  const [left] = spans.named('transaction')
  expect(left).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'connmgr.transaction.outcome': 'abandoned' },
  })
})

test('work that is run again has a transaction for each attempt', async () => {
  const manager = open()
  let attempts = 0
  await spans.within('request', () =>
    manager.transaction(
      async (client) => {
        attempts += 1
        await client.query('select 1')
        if (attempts === 1)
          await client.query("do $$ begin raise exception 'again' using errcode = '40001'; end $$")
      },
      { replay: 'safe' },
    ),
  )
  expect(attempts).toBe(2)
  const transactions = spans.named('transaction')
  expect(transactions.map(({ attributes }) => attributes['connmgr.transaction.outcome'])).toEqual([
    'rollback',
    'commit',
  ])
  for (const each of transactions) expect(spans.parentOf(each)?.name).toBe('request')
})

test('a statement that is cancelled is a span with its error', async () => {
  const manager = open()
  const abort = new AbortController()
  const running = manager.pool.query({ text: 'select pg_sleep(60)', signal: abort.signal } as never)
  setTimeout(() => abort.abort(), 50)
  await expect(running).rejects.toThrow()
  const [span] = spans.ours
  expect(spans.ours).toHaveLength(1)
  expect(span?.status.code).toBe(SpanStatusCode.ERROR)
  expect(span?.attributes['error.type']).toEqual(expect.any(String))
})

test('a cursor is one span, for as long as it is open', async () => {
  const manager = open()
  await manager.pool.query('select 1')
  spans.clear()
  await manager.use(async (client) => {
    const cursor = client.query(new Cursor('select n from generate_series(1, 100) n', []))
    expect(await cursor.read(10)).toHaveLength(10)
    expect(spans.statements).toEqual([])
    await cursor.close()
  })
  expect(spans.statements.map(({ name }) => name)).toEqual(['select'])
})

test('statements that share a connection are below their own callers', async () => {
  const manager = open({ poolSize: 2, maxOverflow: 0 })
  const requests = Array.from({ length: 20 }, (_, n) => `request ${n}`)
  for (let round = 0; round < 3; round += 1) {
    spans.clear()
    await Promise.all(
      requests.map((name) =>
        spans.within(name, () => manager.pool.query('select email from "User" where id = $1', [1])),
      ),
    )
  }
  expect(spans.ours).toHaveLength(requests.length)
  const parents = spans.ours.map((span) => spans.parentOf(span)?.name)
  expect(new Set(parents)).toEqual(new Set(requests))
})

/** The same two things through one library. */
interface Library {
  /** Reads one user. */
  read(): PromiseLike<unknown>
  /** The same in a transaction. */
  transact(): PromiseLike<unknown>
}

describe.each<readonly [string, (manager: ReturnType<typeof open>) => Promise<Library>]>([
  [
    'TypeORM',
    async (manager: ReturnType<typeof open>) => {
      const source = await new DataSource(
        typeorm.withConnectionManager({ type: 'postgres', entities: [User] }, manager),
      ).initialize()
      ends.push(() => source.destroy())
      const repository = source.getRepository(User)
      return {
        read: () => repository.findBy({ id: 1 }),
        transact: () => source.transaction((tx) => tx.getRepository(User).findBy({ id: 1 })),
      }
    },
  ],
  [
    'Prisma',
    async (manager: ReturnType<typeof open>) => {
      const client = prisma.withConnectionManager(PrismaClient, manager)
      ends.push(() => client.$disconnect())
      return {
        read: () => client.user.findUnique({ where: { id: 1 } }),
        transact: () => client.$transaction((tx) => tx.user.findMany({ where: { id: 1 } })),
      }
    },
  ],
  [
    'Drizzle',
    async (manager: ReturnType<typeof open>) => {
      const db = drizzle.withConnectionManager({}, manager)
      return {
        read: async () => db.select().from(users).where(eq(users.id, 1)),
        transact: () =>
          db.transaction(async (tx) => tx.select().from(users).where(eq(users.id, 1))),
      }
    },
  ],
])('through %s', (_name, library) => {
  test('a statement is below its caller, and those of a transaction below its span', async () => {
    const { read, transact } = await library(open())
    await read()
    spans.clear()
    await spans.within('request', async () => await read())
    expect(spans.statements).toHaveLength(1)
    const [span] = spans.statements
    expect(span?.name.toLowerCase()).toMatch(/^select ("public"\.)?"user"$/)
    expect(spans.parentOf(span)?.name).toBe('request')
    spans.clear()
    await spans.within('request', async () => await transact())
    const [transaction] = spans.named('transaction')
    expect(transaction?.attributes['connmgr.transaction.outcome']).toBe('commit')
    expect(spans.parentOf(transaction)?.name).toBe('request')
    const operations = spans.statements.map(({ attributes }) => attributes['db.operation.name'])
    expect(operations).toEqual(['BEGIN', undefined, 'COMMIT'])
    for (const each of spans.statements) expect(spans.parentOf(each)).toBe(transaction)
  })
})
