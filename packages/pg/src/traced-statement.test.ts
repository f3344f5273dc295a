import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  eventually,
  type PostgresCluster,
  RecordedQueries,
  type RecordedQuery,
  startCluster,
} from '@connmgr/testing'
import type { PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { CopyIn } from '../test/copy-in.js'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let pool: ManagedPool
let queries: RecordedQueries

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  queries.stop()
  await manager.close({ drainTimeoutMs: 0 })
})

function open(options: Partial<PgManagerOptions> = {}): void {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    name: 'shop',
    ...options,
  })
  pool = manager.pool
  queries = new RecordedQueries(({ manager: id }) => id === manager.id)
}

const WHOLE = ['start', 'end', 'asyncStart', 'asyncEnd']
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']

/** Published once, whole, and nothing else was. */
function only(): RecordedQuery {
  expect(queries.all).toHaveLength(1)
  return queries.all[0] as RecordedQuery
}

test('pool.query: its start within the call, its end with everything about it', async () => {
  open()
  const running = pool.query('select n from generate_series(1, 3) n where n > $1', [1])
  expect(only()).toMatchObject({
    messages: ['start', 'end'],
    manager: manager.id,
    pool: 'shop',
    database: 'postgresql',
    text: 'select n from generate_series(1, 3) n where n > $1',
  })
  expect(only().stack).toContain('traced-statement.test.ts')
  await running
  const { primary } = cluster
  const query = only()
  expect(query).toMatchObject({
    messages: WHOLE,
    rowCount: 2,
    endpoint: expect.stringContaining(String(primary.port)),
  })
  expect(query.processId).toBeGreaterThan(0)
  expect(query.lease).toBeGreaterThan(0)
  expect(query.connectionId).toBeGreaterThan(0)
  expect(query.waitMs).toBeGreaterThan(0)
  expect(query.runMs).toBeGreaterThan(0)
  expect(query).not.toHaveProperty('transaction')
  expect(query).not.toHaveProperty('error')
})

test('a leased client: by promise, by callback, in a transaction of its own SQL', async () => {
  open()
  const client = await pool.connect()
  await client.query('begin')
  await new Promise<void>((resolve) => client.query('select $1::int', [7], () => resolve()))
  await client.query('commit')
  const { processID } = client as PoolClient & { processID: number }
  client.release()
  expect(queries.texts).toEqual(['begin', 'select $1::int', 'commit'])
  const [begin, select, commit] = queries.all
  const id = begin?.transaction?.id
  expect(begin?.transaction).toEqual({ id, boundary: 'begin' })
  expect(select?.transaction).toEqual({ id })
  expect(commit?.transaction).toEqual({ id, boundary: 'commit' })
  for (const query of queries.all)
    expect(query).toMatchObject({ messages: WHOLE, processId: processID, lease: begin?.lease })
})

test('a failed statement carries the error that its caller got', async () => {
  open()
  const error = await pool.query('select no_such').catch((reason: unknown) => reason)
  expect(only()).toMatchObject({ messages: FAILED, error: { code: '42703' } })
  expect(only().error).toBe(error)
})

test('a cursor and a COPY end when they are closed, and tell how many rows there were', async () => {
  open()
  const client = await pool.connect()
  const cursor = client.query(new Cursor('select n from generate_series(1, 10) n'))
  await cursor.read(4)
  expect(only().messages).toEqual(['start', 'end'])
  await cursor.read(4)
  await cursor.close()
  expect(only()).toMatchObject({ messages: WHOLE, rowCount: 8 })
  queries.clear()
  await client.query('create temp table rows (n int)')
  const copying = client.query(new CopyIn() as never) as CopyIn
  await pipeline(Readable.from(['1\n', '2\n', '3\n']), copying)
  const rows = client.query(new QueryStream('select n from rows'))
  for await (const _row of rows) expect(queries.all.at(-1)?.messages).not.toContain('error')
  const failing = client.query(new Cursor('select no_such'))
  await expect(failing.read(1)).rejects.toMatchObject({ code: '42703' })
  await client.query('select 1')
  client.release()
  expect(queries.all).toMatchObject([
    { text: 'create temp table rows (n int)' },
    { text: 'copy rows from stdin', messages: WHOLE, rowCount: 3 },
    { text: 'select n from rows', messages: WHOLE, rowCount: 3 },
    { text: 'select no_such', messages: FAILED, error: { code: '42703' } },
    { text: 'select 1', messages: WHOLE, rowCount: 1 },
  ])
})

test('statements behind others on one client have waited for those', async () => {
  open()
  const client = await pool.connect()
  await Promise.all([client.query('select pg_sleep(0.1)'), client.query('select 2')])
  client.release()
  const [slow, next] = queries.all
  expect(slow?.runMs).toBeGreaterThan(90)
  expect(next?.waitMs).toBeGreaterThan(90)
  expect(next?.startedAt).toBeLessThan((slow?.startedAt ?? 0) + 90)
})

test('statements on a shared connection share its lease, and have waited for those before them', async () => {
  open({ shared: { lanes: 1, depth: 100 } })
  await pool.query('select 1')
  await eventually(async () => {
    await pool.query('select 1')
    return queries.all.at(-1)?.shared === true
  })
  // While one is held up, as on a busy machine, others may take a second lane.
  await eventually(async () => {
    queries.clear()
    await Promise.all([1, 2, 3].map((n) => pool.query('select $1::int', [n])))
    expect(queries.all).toHaveLength(3)
    return new Set(queries.all.map(({ lease }) => lease)).size === 1
  })
  for (const query of queries.all) {
    expect(query).toMatchObject({ messages: WHOLE, shared: true, rowCount: 1 })
    expect(query).not.toHaveProperty('transaction')
  }
  queries.clear()
  await expect(pool.query('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
  expect(only()).toMatchObject({ messages: FAILED, error: { code: '22012' } })
})

test('a named statement is prepared, and a plain one is not', async () => {
  open({ preparedStatements: 'off' })
  await pool.query({ name: 'one', text: 'select 1' })
  await pool.query('select 1')
  expect(queries.all.map(({ prepared }) => prepared)).toEqual([true, undefined])
})

test('a COMMIT that rolls back is a rollback', async () => {
  open()
  const client = await pool.connect()
  await client.query('begin')
  await client.query('select no_such').catch(() => {})
  await expect(client.query('commit')).rejects.toMatchObject({
    code: 'CONNMGR_TRANSACTION_ROLLED_BACK',
  })
  await client.query('select 1')
  client.release()
  expect(queries.all.map(({ transaction }) => transaction?.boundary)).toEqual([
    'begin',
    undefined,
    'rollback',
    undefined,
  ])
  const [begin, failed, commit, after] = queries.all
  expect(failed?.transaction?.id).toBe(begin?.transaction?.id)
  expect(commit?.transaction?.id).toBe(begin?.transaction?.id)
  expect(after).not.toHaveProperty('transaction')
})

test('a transaction that its borrower leaves open ends unseen, and the next one is another', async () => {
  open({ poolSize: 1, maxOverflow: 0 })
  for (let n = 0; n < 2; n += 1) await manager.use((client) => client.query('begin'))
  const [first, second] = queries.all
  expect(queries.texts).toEqual(['begin', 'begin'])
  expect(second?.transaction?.boundary).toBe('begin')
  expect(second?.transaction?.id).not.toBe(first?.transaction?.id)
})

test('a caller who gets no connection gets an error that says so, and so do subscribers', async () => {
  open({ poolSize: 1, maxOverflow: 0 })
  await manager.use(async () => {
    queries.clear()
    const waiting = manager.acquire({ timeoutMs: 20 })
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  })
  await manager.close()
  await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
  expect(only()).toMatchObject({
    messages: FAILED,
    runMs: 0,
    error: { code: 'CONNMGR_POOL_CLOSED' },
  })
  expect(only()).not.toHaveProperty('lease')
})

test('a statement that runs while a subscriber comes or goes is not broken by that', async () => {
  open()
  queries.stop()
  const before = pool.query('select pg_sleep(0.02)')
  queries = new RecordedQueries(({ manager: id }) => id === manager.id)
  await before
  const after = pool.query('select pg_sleep(0.02)')
  queries.stop()
  await expect(after).resolves.toMatchObject({ rowCount: 1 })
})
