import { type PostgresCluster, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
})
beforeEach(() =>
  cluster.primary.query(
    'drop table if exists things; create table things (id int, runs int default 0); insert into things values (1)',
  ),
)
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  return manager
}

const things = { name: 'things', text: 'select * from things where id = $1', values: [1] }
const addColumn = () => cluster.primary.query('alter table things add column more int default 7')
const rows = [{ id: 1, runs: 0, more: 7 }]

describe.each([
  ['one query at a time', false],
  ['shared lanes', true],
] as const)('pool.query, %s:', (_how, shared) => {
  test('a plan that no longer fits is made anew, and the caller does not notice', async () => {
    open({ shared })
    await manager.pool.query(things)
    await addColumn()
    expect((await manager.pool.query(things)).rows).toEqual(rows)
    expect((await manager.pool.query(things)).rows).toEqual(rows)
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('many at once whose plan no longer fits all succeed', async () => {
    open({ shared, poolSize: 3 })
    await Promise.all(Array.from({ length: 20 }, () => manager.pool.query(things)))
    await addColumn()
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all(
        Array.from({ length: 20 }, () => manager.pool.query(things)),
      )
      expect(results.map((result) => result.rows)).toEqual(results.map(() => rows))
    }
  })

  test.each(['deallocate all', 'discard all', 'deallocate things'])(
    'a statement is prepared anew after %s by another borrower',
    async (sql) => {
      open({ shared, reset: 'none' })
      await manager.pool.query(things)
      await manager.use((client) => client.query(sql))
      for (let n = 0; n < 3; n += 1)
        expect((await manager.pool.query(things)).rows).toMatchObject([{ id: 1 }])
    },
  )

  test('a write whose plan no longer fits runs once', async () => {
    open({ shared })
    const count = {
      name: 'count',
      text: 'update things set runs = runs + 1 where id = $1 returning *',
      values: [1],
    }
    await manager.pool.query(count)
    await addColumn()
    expect((await manager.pool.query(count)).rows).toMatchObject([{ runs: 2 }])
    expect(await cluster.primary.query('select runs from things')).toEqual([{ runs: 2 }])
  })
})

describe('on a connection of its own:', () => {
  /** Fails with these codes in a row, and then no more. */
  async function codesOf(
    client: Client,
    query: object,
    times = 3,
  ): Promise<(string | undefined)[]> {
    const codes: (string | undefined)[] = []
    for (let n = 0; n < times; n += 1) {
      codes.push(
        await (client.query as (query: object) => Promise<unknown>)(query).then(
          () => undefined,
          (error: { code?: string }) => error.code,
        ),
      )
    }
    return codes
  }

  test('a plan that no longer fits fails once', async () => {
    open()
    await manager.use(async (client) => {
      await client.query(things)
      await addColumn()
      expect(await codesOf(client, things)).toEqual(['0A000', undefined, undefined])
      expect((await client.query(things)).rows).toEqual(rows)
    })
  })

  test('and in a transaction fails that transaction alone', async () => {
    open()
    await manager.use((client) => client.query(things))
    await addColumn()
    const work = (): Promise<unknown> =>
      manager.transaction(async (client) => (await client.query(things)).rows)
    await expect(work()).rejects.toMatchObject({ code: '0A000' })
    expect(await work()).toEqual(rows)
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
  })

  test('a statement that the server has forgotten fails once at most', async () => {
    open()
    await manager.use(async (client) => {
      await client.query(things)
      await client.query('deallocate all')
      expect(await codesOf(client, things)).toEqual([undefined, undefined, undefined])
      await client.query('deallocate things')
      expect(await codesOf(client, things)).toEqual(['26000', undefined, undefined])
    })
  })

  test('a name that the server has from elsewhere fails once', async () => {
    open()
    await manager.use(async (client) => {
      await client.query('prepare things(int) as select 2')
      expect(await codesOf(client, things)).toEqual(['42P05', undefined, undefined])
      expect((await client.query(things)).rows).toMatchObject([{ id: 1 }])
    })
  })

  test('another error of this class leaves the statement prepared', async () => {
    open()
    await manager.use(async (client) => {
      const unsupported = {
        name: 'copy',
        text: 'select count(*) from things for update',
        values: [],
      }
      expect(await codesOf(client, unsupported)).toEqual(['0A000', '0A000', '0A000'])
      await client.query(things)
      const known = await client.query(
        'select name from pg_prepared_statements where not from_sql order by name',
      )
      expect(known.rows).toEqual([{ name: 'things' }])
    })
  })
})
