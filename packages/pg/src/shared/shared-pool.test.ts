import { InvalidOptionError } from '@connmgr/core'
import {
  eventually,
  FakeClock,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { createConnectionManager } from '../create-connection-manager.js'
import { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'

let cluster: PostgresCluster
let pool: ManagedPool
let count = 0
let name: string
const opened: ManagedPool[] = []

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(
    'create table ledger (id int primary key, xid text default txid_current())',
  )
})
afterAll(() => cluster.stop())
beforeEach(() => cluster.primary.query('truncate ledger'))
afterEach(closeAll)

async function closeAll(): Promise<void> {
  await Promise.all(
    opened.splice(0).map(({ $connections }) => $connections.close({ drainTimeoutMs: 0 })),
  )
}

function open(config: ManagedPoolConfig = {}): ManagedPool {
  count += 1
  name = `shared ${count}`
  pool = new ManagedPool({
    connectionString: cluster.primary.url(),
    application_name: name,
    shared: true,
    logger: false,
    ...config,
  })
  opened.push(pool)
  return pool
}

async function backends(): Promise<number> {
  const [row] = await cluster.primary.query<{ n: number }>(
    'select count(*)::int as n from pg_stat_activity where application_name = $1',
    [name],
  )
  return row?.n ?? 0
}

/** Resolves when so many statements with such a text are running. */
async function running(part: string, count = 1): Promise<void> {
  await eventually(async () => {
    const [row] = await cluster.primary.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity
       where application_name = $1 and state = 'active' and query like $2`,
      [name, `%${part}%`],
    )
    return row?.n === count
  })
}

const atRest = () => eventually(() => pool.$connections.getCounts('primary').inUse === 0)
const many = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_each, n) => make(n)))
/** A statement that waits until `open` ends the transaction that holds the lock. */
async function gate(): Promise<{ text: string; open: () => Promise<void> }> {
  const holder = new pg.Client(cluster.primary.url())
  await holder.connect()
  await holder.query('begin; lock table ledger in access exclusive mode')
  return {
    text: 'select count(*) from ledger',
    open: async () => {
      await holder.query('commit')
      await holder.end()
    },
  }
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
    expect(await backends()).toBeLessThanOrEqual(4)
    expect(pool.$connections.getPoolMetrics().totalConnectionsCreated).toBeLessThanOrEqual(4)
  })

  test('give the connections back when nothing is under way', async () => {
    open()
    const released: unknown[] = []
    pool.on('release', (error) => released.push(error))
    await many(50, (n) => pool.query('select $1::int', [n]))
    await atRest()
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

describe('an error', () => {
  test('of SQL affects its own query alone, and leads to its caller', async () => {
    open({ max: 1 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 90 }, (_each, n) =>
        pool.query(n % 3 === 0 ? 'select 1 / ($1::int - $1)' : 'select $1::int as n', [n]),
      ),
    )
    outcomes.forEach((outcome, n) => {
      if (n % 3 === 0) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '22012' } })
      } else expect(outcome).toMatchObject({ value: { rows: [{ n }] } })
    })
    const failed = async function whoAsked(): Promise<unknown> {
      const { rows } = await pool.query('select nonsense')
      return rows
    }
    await expect(failed()).rejects.toMatchObject({ stack: expect.stringContaining('whoAsked') })
  })

  test('of a constraint undoes its own statement alone: each is a transaction of its own', async () => {
    open({ max: 1 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_each, n) =>
        pool.query('insert into ledger (id) values ($1)', [n >> 1]),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(30)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: '23505' })
    }
    const rows = await cluster.primary.query<{ n: number; transactions: number }>(
      'select count(*)::int as n, count(distinct xid)::int as transactions from ledger',
    )
    expect(rows).toEqual([{ n: 30, transactions: 30 }])
  })

  test('of values that cannot be sent affects its own query alone', async () => {
    open({ max: 1 })
    const unfit = {
      toPostgres() {
        throw new Error('not to be sent')
      },
    }
    const named = { name: 'unfit', text: 'select $1::text as n' }
    const outcomes = await Promise.allSettled([
      pool.query('select 1 as n'),
      pool.query({ ...named, values: [unfit] }),
      pool.query({ ...named, values: ['2'] }),
      pool.query('select $1::int as n', 3 as unknown as unknown[]),
      pool.query('select 4 as n'),
    ])
    expect(outcomes).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { reason: { message: 'not to be sent' } },
      { value: { rows: [{ n: '2' }] } },
      { reason: { message: expect.stringContaining('must be an array') } },
      { value: { rows: [{ n: 4 }] } },
    ])
    await atRest()
    expect((await pool.query({ ...named, values: ['5'] })).rows).toEqual([{ n: '5' }])
  })

  test('of what reads the rows affects its own query alone', async () => {
    const types = {
      getTypeParser: (oid: number) => (text: string) => {
        if (oid === 25) throw new Error('unreadable')
        return text
      },
    }
    open({ max: 1, types: types as never })
    const outcomes = await Promise.allSettled([
      pool.query('select 1 as n'),
      pool.query("select 'a'::text as n"),
      pool.query('select 3 as n'),
    ])
    expect(outcomes).toMatchObject([
      { value: { rows: [{ n: '1' }] } },
      { reason: { message: 'unreadable' } },
      { value: { rows: [{ n: '3' }] } },
    ])
  })

  test('of one named statement is not taken over by others of its name', async () => {
    open({ max: 1 })
    const named = { name: 'same', text: 'select 1 / $1::int as n' }
    const outcomes = await Promise.allSettled([
      pool.query({ name: 'other', text: 'select nonsense', values: [] }),
      pool.query({ name: 'other', text: 'select nonsense', values: [] }),
      pool.query({ ...named, values: [0] }),
      pool.query({ ...named, values: [1] }),
      pool.query({ name: 'same', text: 'select 2 as n', values: [] }),
    ])
    expect(outcomes).toMatchObject([
      { reason: { code: '42703' } },
      { reason: { code: '42703' } },
      { reason: { code: '22012' } },
      { value: { rows: [{ n: 1 }] } },
      { reason: { message: expect.stringContaining('must be unique') } },
    ])
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
    expect(new Set(settings.map(({ rows }) => rows[0].name))).toEqual(new Set([name]))
  })
})

describe('a slow query', () => {
  test('does not hold up those that come after it, while there are connections', async () => {
    open({ max: 6, shared: { lanes: 1, depth: 4 } })
    await pool.query('select 1')
    const closed = await gate()
    const held = pool.query(closed.text)
    await running('from ledger')
    // From then on it counts as one that holds up others.
    await cluster.primary.query('select pg_sleep(0.04)')
    for (let n = 0; n < 40; n += 1) {
      const { rows } = await pool.query('select $1::int as n', [n])
      expect(rows).toEqual([{ n }])
    }
    await closed.open()
    expect((await held).rows).toHaveLength(1)
  })

  test('holds up no more than the depth of its lane', async () => {
    open({ max: 6, shared: { lanes: 1, depth: 4 } })
    await pool.query('select 1')
    const closed = await gate()
    const ended: number[] = []
    const held = pool.query(closed.text)
    const others = many(20, async (n) => {
      await pool.query('select $1::int', [n])
      ended.push(n)
    })
    await eventually(() => ended.length >= 20 - 3)
    await closed.open()
    await Promise.all([held, others])
    expect(ended).toHaveLength(20)
  })

  test('goes alone once its text is known to be slow', async () => {
    open({ max: 4, shared: { lanes: 1, depth: 100 } })
    const text = 'select pg_sleep($1)'
    await pool.query(text, [0.05])
    const order: string[] = []
    await Promise.all([
      pool.query(text, [2]).then(() => order.push('slow')),
      ...Array.from({ length: 10 }, (_each, n) =>
        pool.query('select $1::int', [n]).then(() => order.push('fast')),
      ),
    ])
    expect(order).toEqual([...Array(10).fill('fast'), 'slow'])
  })
})

describe('a query timeout', () => {
  const timedOut = { code: 'CONNMGR_CONNECTION_LOST', cause: { message: 'Query read timeout' } }

  test('cancels its own statement on the server, and harms none beside it', async () => {
    open({ max: 1 })
    await pool.query('select 1')
    const outcomes = await Promise.allSettled([
      pool.query('select 1 as n'),
      pool.query({ text: 'select pg_sleep(60)', query_timeout: patient(100) } as pg.QueryConfig),
      pool.query('select $1::int as n', [3]),
      pool.query('insert into ledger (id) values (4) returning id as n'),
    ])
    expect(outcomes).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { reason: timedOut },
      { value: { rows: [{ n: 3 }] } },
      { value: { rows: [{ n: 4 }] } },
    ])
    await running('pg_sleep', 0)
    await atRest()
    expect(await cluster.primary.query('select id from ledger')).toEqual([{ id: 4 }])
  })

  test('of the pool applies to each query by itself', async () => {
    open({ max: 1, query_timeout: patient(100) })
    await pool.query('select 1')
    const outcomes = await Promise.allSettled([
      pool.query('select pg_sleep(60)'),
      pool.query({ text: 'select 2 as n', query_timeout: patient(30_000) } as pg.QueryConfig),
    ])
    expect(outcomes).toMatchObject([{ reason: timedOut }, { value: { rows: [{ n: 2 }] } }])
    await running('pg_sleep', 0)
    const client = await pool.connect()
    await expect(client.query('select pg_sleep(60)')).rejects.toMatchObject(timedOut)
    client.release()
  })

  test('cancels statements that follow a failed one, each in its turn', async () => {
    open({ max: 1 })
    await pool.query('select 1')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, (_each, n) => [
        pool.query('select nonsense'),
        pool.query({
          text: `select pg_sleep(${60 + n})`,
          query_timeout: patient(50),
        } as pg.QueryConfig),
      ]).flat(),
    )
    outcomes.forEach((outcome, n) => {
      const reason = n % 2 === 0 ? { code: '42703' } : timedOut
      expect(outcome).toMatchObject({ reason })
    })
    await running('pg_sleep', 0)
    await atRest()
  })

  test('of many at once leaves no statement running and no connection lent', async () => {
    open({ max: 3 })
    await pool.query('select 1')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_each, n) =>
        n % 4 === 0
          ? pool.query({
              text: `select pg_sleep(${60 + n})`,
              query_timeout: patient(50),
            } as pg.QueryConfig)
          : pool.query('select $1::int as n', [n]),
      ),
    )
    outcomes.forEach((outcome, n) => {
      if (n % 4 === 0) expect(outcome).toMatchObject({ reason: timedOut })
      else expect(outcome).toMatchObject({ value: { rows: [{ n }] } })
    })
    await running('pg_sleep', 0)
    await atRest()
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
    await eventually(async () => (await backends()) === 0)
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
    await atRest()
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
    await atRest()
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
      databaseUrl: cluster.primary.url(),
      shared: { lanes: 1 },
      logger: false,
    })
    const answers = await many(50, (n) => manager.pool.query('select $1::int as n', [n]))
    expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 50 }, (_e, n) => n))
    await manager.close()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })
})
