import { InvalidOptionError } from '@connmgr/core'
import { eventually, FakeClock, patient } from '@connmgr/testing'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { atRest, LedgerPools, many } from '../../test/ledger-pools.js'
import { createConnectionManager } from '../create-connection-manager.js'
import { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'

let pools: LedgerPools
let pool: ManagedPool

beforeAll(async () => {
  pools = await LedgerPools.start()
})
afterAll(() => pools.cluster.stop())
afterEach(() => pools.clear())

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = pools.open(config)
  return pool
}

describe('queries that share connections', () => {
  test('are each answered with their own rows, whatever runs beside them', async () => {
    open()
    const answers = await many(600, async (n) => {
      switch (n % 6) {
        case 0:
          return (await pool.query('select $1::int as n', [n])).rows[0].n
        case 1:
          return (await pool.query(`select ${n} as n`)).rows[0].n
        case 2:
          return (await pool.query({ text: 'select $1::int', values: [n], rowMode: 'array' }))
            .rows[0]?.[0]
        case 3:
          return (await pool.query({ name: 'one', text: 'select $1::int as n', values: [n] }))
            .rows[0].n
        case 4: {
          const { rows } = await pool.query('select generate_series(1, $1::int) as n', [n])
          return rows.length
        }
        default:
          return new Promise((resolve, reject) => {
            pool.query('select $1::int as n', [n], (error: Error, result: pg.QueryResult) =>
              error ? reject(error) : resolve(result.rows[0].n),
            )
          })
      }
    })
    expect(answers).toEqual(Array.from({ length: 600 }, (_each, n) => n))
  })

  test('use few connections', async () => {
    open({ max: 20, shared: { lanes: 2, depth: 1000 } })
    for (let round = 0; round < 5; round += 1)
      await many(400, (n) => pool.query('select $1::int', [n]))
    expect(await pools.backends()).toBeLessThanOrEqual(4)
    expect(pool.$connections.getPoolMetrics().totalConnectionsCreated).toBeLessThanOrEqual(4)
  })

  test('give the connections back when nothing is under way', async () => {
    open()
    const released: unknown[] = []
    pool.on('release', (error) => released.push(error))
    await many(50, (n) => pool.query('select $1::int', [n]))
    await atRest(pool)
    expect(released.length).toBeGreaterThan(0)
    expect(new Set(released)).toEqual(new Set([undefined]))
    const client = await pool.connect()
    expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false)
    client.release()
  })

  test('go without sharing when nothing is under way, and settle by callback', async () => {
    open()
    const result = await new Promise<pg.QueryResult>((resolve, reject) => {
      pool.query('select 1 as n', (error: Error, value: pg.QueryResult) =>
        error ? reject(error) : resolve(value),
      )
    })
    expect(result.rows).toEqual([{ n: 1 }])
  })
})

describe('what gets a connection of its own', () => {
  test('connect() and its transactions, of whose effects the shared see nothing before the commit', async () => {
    open()
    const client = await pool.connect()
    await client.query('begin')
    await client.query('insert into ledger (id) values (1)')
    const seen = await many(50, () => pool.query('select count(*)::int as n from ledger'))
    expect(new Set(seen.map(({ rows }) => rows[0].n))).toEqual(new Set([0]))
    await client.query('commit')
    client.release()
    expect((await pool.query('select count(*)::int as n from ledger')).rows[0].n).toBe(1)
  })

  test('cursors and whatever else submits itself, and queries that read a number of rows at a time', async () => {
    open()
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select generate_series(1, 10) as n'))
    const [first] = await Promise.all([
      cursor.read(3),
      many(50, (n) => pool.query('select $1::int', [n])),
    ])
    expect(first).toHaveLength(3)
    await cursor.close()
    client.release()
    const submitted = pool.query as unknown as (query: unknown) => Promise<pg.QueryResult>
    const results = await Promise.all([
      submitted.call(pool, new pg.Query('select 7 as n')),
      pool.query('select 8 as n'),
      pool.query({ text: 'select generate_series(1, 9) as n', rows: 2 } as pg.QueryConfig),
    ])
    expect(results.map(({ rows }) => rows.length)).toEqual([1, 1, 9])
  })

  test('texts that hold more than one statement, or change the session', async () => {
    open({ max: 3, reset: 'discard-all' })
    const [several, , settings] = await Promise.all([
      pool.query('select 1 as n; select 2 as n') as unknown as Promise<pg.QueryResult[]>,
      pool.query("set application_name = 'changed'"),
      many(50, () => pool.query("select current_setting('application_name') as name")),
    ])
    expect(several.map(({ rows }) => rows[0].n)).toEqual([1, 2])
    expect(new Set(settings.map(({ rows }) => rows[0].name))).toEqual(new Set([pools.name]))
  })
})

describe('the pool', () => {
  test('ends only when the queries under way have ended', async () => {
    open()
    const asked = many(200, (n) => pool.query('select $1::int as n, pg_sleep(0.001)', [n]))
    await pool.query('select 1')
    await pool.end()
    expect((await asked).map(({ rows }) => rows[0].n)).toHaveLength(200)
    await expect(pool.query('select 1')).rejects.toThrow('after calling end')
    await eventually(async () => (await pools.backends()) === 0)
  })

  test('rejects each query that finds no connection in time, with an error of its own', async () => {
    open({ max: 1, acquireTimeoutMs: patient(500) })
    const client = await pool.connect()
    const outcomes = await Promise.allSettled([
      pool.query('select 1'),
      pool.query('select 2'),
      pool.query('select 3'),
    ])
    const reasons = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason)
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    expect(new Set(reasons).size).toBe(3)
    client.release()
    expect((await pool.query('select 4 as n')).rows).toEqual([{ n: 4 }])
  })

  test('lends its only connection to those who wait for it, under a steady load', async () => {
    open({ max: 1 })
    let stopping = false
    const callers = many(20, async (n) => {
      while (!stopping) await pool.query('select $1::int', [n])
    })
    for (let turn = 0; turn < 5; turn += 1) {
      const client = await pool.connect()
      expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
      client.release()
    }
    stopping = true
    await callers
    await atRest(pool)
  })

  test('resets a connection that queries shared as it resets all others', async () => {
    const resets: string[] = []
    open({ max: 1, reset: 'discard-all' })
    pool.on('connect', (client) => {
      const { query } = client
      client.query = ((...args: unknown[]) => {
        resets.push(String((args[0] as { text?: string }).text ?? args[0]))
        return (query as (...all: unknown[]) => unknown).apply(client, args)
      }) as never
    })
    const named = { name: 'kept', text: 'select $1::int as n' }
    await many(10, (n) => pool.query({ ...named, values: [n] }))
    await atRest(pool)
    const client = await pool.connect()
    const { rows } = await client.query('select count(*)::int as n from pg_prepared_statements')
    expect(rows).toEqual([{ n: 0 }])
    client.release()
    expect((await many(10, (n) => pool.query({ ...named, values: [n] })))[9]?.rows).toEqual([
      { n: 9 },
    ])
  })
})

describe('the option shared', () => {
  test.each([
    [{ lanes: 0 }],
    [{ lanes: 1.5 }],
    [{ depth: -1 }],
    [{ depth: '3' }],
    [{ depht: 3 }],
    ['yes'],
    [1],
  ])('refuses %j, and leaves nothing running', async (shared) => {
    const clock = new FakeClock()
    expect(() => new ManagedPool({ clock, shared: shared as never })).toThrow(InvalidOptionError)
    await clock.settle()
    expect(clock.pendingTimers).toBe(0)
    expect(() => createConnectionManager({ shared: shared as never, logger: false })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
    )
  })

  test('is refused for a pool that lends connections for good, and for clients that cannot pipeline', () => {
    expect(() => new ManagedPool({ shared: true, poolMode: 'static' })).toThrow(InvalidOptionError)
    class Old {}
    expect(() => new ManagedPool({ shared: true, Client: Old as never })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_UNSUPPORTED' }),
    )
  })

  test('serves the pools of a manager, and may be switched off', async () => {
    open({ shared: false })
    const manager = createConnectionManager({
      databaseUrl: pools.cluster.primary.url(),
      shared: { lanes: 1 },
      logger: false,
    })
    const answers = await many(50, (n) => manager.pool.query('select $1::int as n', [n]))
    expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 50 }, (_e, n) => n))
    await manager.close()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })
})
