import { eventually, patient } from '@connmgr/testing'
import type pg from 'pg'
import { atRest, LedgerPools, many } from '../../test/ledger-pools.js'
import type { ManagedPool } from '../managed-pool.js'
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

describe('a slow query', () => {
  test('does not hold up those that come after it, while there are connections', async () => {
    open({ max: 6, shared: { lanes: 1, depth: 4 } })
    await pool.query('select 1')
    const closed = await pools.gate()
    const held = pool.query(closed.text)
    await pools.running('from ledger')
    // From then on it counts as one that holds up others.
    await pools.cluster.primary.query('select pg_sleep(0.04)')
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
    const closed = await pools.gate()
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
    await pools.running('pg_sleep', 0)
    await atRest(pool)
    expect(await pools.cluster.primary.query('select id from ledger')).toEqual([{ id: 4 }])
  })

  test('of the pool applies to each query by itself', async () => {
    open({ max: 1, query_timeout: patient(100) })
    await pool.query('select 1')
    const outcomes = await Promise.allSettled([
      pool.query('select pg_sleep(60)'),
      pool.query({ text: 'select 2 as n', query_timeout: patient(30_000) } as pg.QueryConfig),
    ])
    expect(outcomes).toMatchObject([{ reason: timedOut }, { value: { rows: [{ n: 2 }] } }])
    await pools.running('pg_sleep', 0)
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
    await pools.running('pg_sleep', 0)
    await atRest(pool)
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
    await pools.running('pg_sleep', 0)
    await atRest(pool)
  })
})
