import { eventually, type PostgresCluster, RecordedQueries, startCluster } from '@connmgr/testing'
import Cursor from 'pg-cursor'
import { catalogRead } from '../../test/known-catalog.js'
import { ManagedPool } from '../managed-pool.js'

let cluster: PostgresCluster
let pool: ManagedPool
let queries: RecordedQueries

beforeAll(async () => {
  cluster = await startCluster()
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    max: 2,
    shared: { lateBinding: true },
    logger: false,
  })
  await catalogRead(pool)
  await eventually(() => pool.$connections.getCounts('primary').inUse === 0)
})
beforeEach(() => {
  queries = new RecordedQueries(({ manager }) => manager === pool.$connections.id)
})
afterEach(() => queries.stop())
afterAll(async () => {
  await pool.end()
  await cluster.stop()
})

test('each statement of a client that is bound late is published once, before and after it is bound', async () => {
  const client = await pool.connect()
  await client.query('select 1')
  await client.query('begin')
  await client.query('select 2')
  await new Promise((resolve) => {
    client.query('commit', resolve as never)
  })
  client.release()
  const transaction = { id: expect.any(Number) }
  expect(queries.all).toMatchObject([
    { text: 'select 1', shared: true, rowCount: 1 },
    { text: 'begin', transaction: { ...transaction, boundary: 'begin' } },
    { text: 'select 2', transaction, rowCount: 1 },
    { text: 'commit', transaction: { ...transaction, boundary: 'commit' } },
  ])
  for (const { connectionId, lease, messages } of queries.all) {
    expect(messages).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect([connectionId, lease]).toEqual([expect.any(Number), expect.any(Number)])
  }
})

test('statements that wait behind another are published where they were called for', async () => {
  const client = await pool.connect()
  await Promise.all([
    client.query('select 1'),
    client.query('select 2'),
    client.query("select set_config('a.b', 'c', false)"),
  ])
  client.release()
  expect(queries.texts).toEqual(['select 1', 'select 2', "select set_config('a.b', 'c', false)"])
  expect(queries.all[1]?.stack).toContain('late-client-traced.test.ts')
  for (const { messages } of queries.all) expect(messages.slice(0, 2)).toEqual(['start', 'end'])
  for (const { messages } of queries.all) expect(messages.at(-1)).toBe('asyncEnd')
})

test('failures are published with their error, among others and alone, and so is a cursor', async () => {
  const client = await pool.connect()
  await client.query('select 1 / 0').catch(() => {})
  await client.query('begin')
  await client.query('select 2 / 0').catch(() => {})
  await client.query('rollback')
  const cursor = client.query(new Cursor('select generate_series(1, 3) as n'))
  await cursor.read(10)
  await cursor.close()
  client.release()
  await eventually(() => queries.all.every(({ messages }) => messages.includes('asyncEnd')))
  expect(queries.all).toMatchObject([
    { text: 'select 1 / 0', shared: true, error: { code: '22012' } },
    { text: 'begin' },
    { text: 'select 2 / 0', error: { code: '22012' } },
    { text: 'rollback' },
    { text: 'select generate_series(1, 3) as n' },
  ])
})
