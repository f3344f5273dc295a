import { createConnectionManager, ManagedPool } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { ADAPTERS } from './adapters.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

const SLOW = 'select 1 as n, pg_sleep(0.2)::text'

describe.each([false, true])('end() of a pool, with shared: %s', (shared) => {
  test('serves what was asked for before, and refuses what comes after', async () => {
    const pool = new ManagedPool({ connectionString: cluster.primary.url(), max: 2, shared })
    const queries = Array.from({ length: 10 }, (_, n) => pool.query('select $1::int as n', [n]))
    queries.push(...Array.from({ length: 3 }, () => pool.query(SLOW)))
    const connecting = pool.connect()
    const ending = pool.end()
    await expect(pool.query('select 1')).rejects.toThrow('after calling end')
    await expect(pool.connect()).rejects.toThrow('after calling end')
    const client = await connecting
    expect((await client.query('select 7 as n')).rows).toEqual([{ n: 7 }])
    client.release()
    await ending
    const answers = (await Promise.all(queries)).map(({ rows }) => rows[0]?.n)
    expect(answers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1])
    expect(pool.totalCount).toBe(0)
  })

  test('of a manager serves its pools', async () => {
    const manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      poolSize: 1,
      shared,
    })
    const { pool } = manager
    const asked = [pool.query(SLOW), pool.query('select 2 as n')]
    const used = manager.use(async (client) => (await client.query('select 3 as n')).rows)
    const closing = manager.close()
    expect(manager.close()).toBe(closing)
    await expect(pool.query('select 4')).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await expect(manager.use(() => {})).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await closing
    expect((await Promise.all(asked)).map(({ rows }) => rows[0]?.n)).toEqual([1, 2])
    expect(await used).toEqual([{ n: 3 }])
  })
})

test.each(Object.keys(ADAPTERS))(
  'a query under %s that was begun is served by the end',
  async (name) => {
    const access = await ADAPTERS[name]?.({
      databaseUrl: cluster.primary.url(),
      poolSize: 1,
      maxOverflow: 0,
    })
    if (access === undefined) throw new Error(name)
    await access.query('select 1')
    // Both are with the pool when it ends: one runs, and one waits.
    const asked = [access.query(SLOW), access.query('select 2 as n')].map((each) =>
      each.then((rows) => rows),
    )
    while (access.connections.getCounts().inUse + access.connections.getCounts().waiting < 2)
      await new Promise((resolve) => setTimeout(resolve, 1))
    await access.close()
    expect((await Promise.all(asked)).map((rows) => (rows[0] as { n: number }).n)).toEqual([1, 2])
  },
)
