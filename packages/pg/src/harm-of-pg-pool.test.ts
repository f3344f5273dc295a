import {
  eventually,
  type PostgresCluster,
  patient,
  startCluster,
  startFaultProxy,
  startSilentServer,
} from '@connmgr/testing'
import type { PoolClient } from 'pg'
import { ManagedPool } from './managed-pool.js'
import type { ManagedPoolConfig } from './pool-config.js'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  if (!pool.ending) await pool.$connections.close({ drainTimeoutMs: 0 })
})

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = new ManagedPool({ connectionString: cluster.primary.url(), logger: false, ...config })
  return pool
}

const pidOf = (client: PoolClient): number => (client as unknown as { processID: number }).processID
const stateOf = async (pid: number): Promise<string | undefined> => {
  const sql = 'select state from pg_stat_activity where pid = $1'
  return (await cluster.primary.query<{ state: string }>(sql, [pid]))[0]?.state
}
const queryAndRelease = async (client: PoolClient) => {
  try {
    return await client.query('select 2 as n')
  } finally {
    client.release()
  }
}
const terminate = (pid: number) => cluster.primary.query('select pg_terminate_backend($1)', [pid])

describe('where pg.Pool does harm, ManagedPool does not', () => {
  test('a connection that dies between being lent and reaching a waiter is replaced unnoticed', async () => {
    await using proxy = await startFaultProxy({ target: cluster.primary })
    const url = cluster.primary.url().replace(`:${cluster.primary.port}/`, `:${proxy.port}/`)
    open({ connectionString: url, max: 1, min: 1 })
    for (const ask of ['query', 'connect'] as const) {
      const [{ pid } = { pid: 0 }] = (await pool.query('select pg_backend_pid() as pid')).rows
      proxy.blackHole('to-client')
      // Its answer and the end of its session come in one go.
      const before = pool.query('select 1')
      const after =
        ask === 'query' ? pool.query('select 2 as n') : pool.connect().then(queryAndRelease)
      await eventually(async () => (await stateOf(pid)) === 'idle')
      await terminate(pid)
      await eventually(async () => (await stateOf(pid)) === undefined)
      await proxy.heal()
      await before
      expect((await after).rows).toEqual([{ n: 2 }])
    }
  })

  test('a checked-out client that dies ends its query, not the process, and frees its slot', async () => {
    open({ max: 1 })
    const client = await pool.connect()
    const dying = client.query('select pg_sleep(60)').catch((error: { code: string }) => error.code)
    await terminate(pidOf(client))
    expect(await dying).toBe('CONNMGR_CONNECTION_LOST')
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
    expect(pool.totalCount).toBe(1)
  })

  test('an idle client that dies is replaced, and reported to listeners', async () => {
    open({ max: 1 })
    const errors: Error[] = []
    pool.on('error', (error) => errors.push(error))
    const client = await pool.connect()
    const pid = pidOf(client)
    client.release()
    await terminate(pid)
    await eventually(() => errors.length === 1)
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('ten unique violations cost no connection', async () => {
    open({ max: 1 })
    await pool.query('create table once (id int primary key); insert into once values (1)')
    const pids = new Set<number>()
    for (let i = 0; i < 10; i += 1) {
      await expect(pool.query('insert into once values (1)')).rejects.toMatchObject({
        code: '23505',
      })
      pids.add((await pool.query('select pg_backend_pid() as pid')).rows[0].pid)
    }
    expect(pids.size).toBe(1)
    expect(pool.$connections.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('after query_timeout the connection is not lent on, and the statement is cancelled', async () => {
    open({ max: 1, query_timeout: patient(100) })
    const pid = (await pool.query('select pg_backend_pid() as pid')).rows[0].pid
    await expect(pool.query('select pg_sleep(60)')).rejects.toThrow('Query read timeout')
    expect((await pool.query('select pg_backend_pid() as pid')).rows[0].pid).not.toBe(pid)
    await eventually(
      async () =>
        (await cluster.primary.query('select 1 from pg_stat_activity where pid = $1', [pid]))
          .length === 0,
    )
  })

  test('an open transaction that comes back is rolled back, and its borrower reported', async () => {
    open({ max: 1, leakDetection: { captureStack: 'always' } })
    const dirty: unknown[] = []
    pool.$connections.on('connectionDirty', (event) => dirty.push(event))
    async function careless() {
      const client = await pool.connect()
      await client.query('begin')
      await client.query('create table never_committed (n int)')
      client.release()
    }
    await careless()
    const { rows } = await pool.query("select to_regclass('never_committed') as found")
    expect(rows).toEqual([{ found: null }])
    expect(dirty).toMatchObject([
      { reason: 'transaction', lease: { checkedOutBy: expect.stringContaining('careless') } },
    ])
  })

  test('a statement sent just before the release is finished, not lost', async () => {
    open({ max: 1 })
    await pool.query('create table sent (n int)')
    const client = await pool.connect()
    const inserting = client.query('insert into sent select 1 from pg_sleep(0.1)')
    client.release()
    await inserting
    expect((await pool.query('select count(*)::int as n from sent')).rows).toEqual([{ n: 1 }])
  })

  test('end settles although a client is leaked, and names who holds it', async () => {
    open({ max: 1, leakDetection: { captureStack: 'always' } })
    const closed: { stragglers: readonly { checkedOutBy?: string }[] }[] = []
    pool.$connections.on('poolClosed', (event) => closed.push(event))
    async function leaky() {
      await pool.connect()
    }
    await leaky()
    await pool.$connections.close({ drainTimeoutMs: patient(50) })
    expect(closed).toMatchObject([
      { stragglers: [{ checkedOutBy: expect.stringContaining('leaky') }] },
    ])
    await pool.end()
  })

  test('a server that accepts and never answers does not eat a slot for ever', async () => {
    const silent = await startSilentServer()
    open({
      connectionString: `postgres://u@127.0.0.1:${silent.port}/d`,
      connectTimeoutMs: patient(100),
      acquireTimeoutMs: patient(250),
      healthMonitoring: false,
    })
    await expect(pool.query('select 1')).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
      cause: expect.objectContaining({ code: 'CONNMGR_CONNECT_TIMEOUT' }),
    })
    await eventually(() => silent.connections === 0)
    await silent.close()
  })

  test('session settings do not leak to the next borrower, if asked', async () => {
    open({ max: 1, reset: 'discard-all' })
    const client = await pool.connect()
    await client.query("set search_path to 'elsewhere'")
    await client.query({ name: 'kept', text: 'select 1' })
    client.release()
    const next = await pool.connect()
    expect((await next.query('show search_path')).rows[0].search_path).not.toBe('elsewhere')
    // The server has forgotten the statement, and the client must know it.
    expect((await next.query({ name: 'kept', text: 'select 1 as n' })).rows).toEqual([{ n: 1 }])
    next.release()
  })
})
