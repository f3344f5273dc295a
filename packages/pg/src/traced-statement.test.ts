import {
  type PostgresCluster,
  RecordedQueries,
  type RecordedQuery,
  startCluster,
} from '@connmgr/testing'
import type { PoolClient } from 'pg'
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
