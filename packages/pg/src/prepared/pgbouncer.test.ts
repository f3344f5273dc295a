import {
  describePgBouncer,
  eventually,
  type PostgresCluster,
  type RunningPgBouncer,
  startCluster,
  startPgBouncer,
} from '@connmgr/testing'
import type { QueryConfig } from 'pg'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'

const TEXT = 'select id from things where id = $1'
const RECURS = 12

let cluster: PostgresCluster
let pooler: RunningPgBouncer
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(
    'create table things (id int primary key); insert into things select generate_series(1, 50)',
  )
})
afterEach(async () => {
  await manager.close({ drainTimeoutMs: 0 })
  await pooler.stop()
})
afterAll(() => cluster.stop())

async function open(settings: Record<string, number | string>): Promise<void> {
  pooler = await startPgBouncer(cluster.primary.url(), { default_pool_size: 3, ...settings })
  manager = createConnectionManager({
    databaseUrl: pooler.url,
    poolSize: 8,
    reset: 'none',
    logger: false,
  })
}

/** Many at once, within transactions and outside, so that the pooler lends each server process to many connections. */
async function load(): Promise<void> {
  for (let round = 0; round < RECURS; round += 1) {
    const rows = await Promise.all(
      Array.from({ length: 16 }, async (_, n) => {
        if (n % 2 === 0) return (await manager.pool.query(TEXT, [n + 1])).rows
        return manager.transaction(async (client) => {
          await client.query('select pg_sleep(0.002)')
          return (await client.query(TEXT, [n + 1])).rows
        })
      }),
    )
    expect(rows).toEqual(rows.map((_, n) => [{ id: n + 1 }]))
  }
}

describePgBouncer('behind a pooler by transaction that knows nothing of statements', () => {
  test('nothing is prepared, nothing fails, and the reason is reported', async () => {
    await open({})
    const reported: string[] = []
    manager.on('preparedStatementsOff', ({ reason }) => reported.push(reason))
    await manager.pool.query('select')
    await eventually(() => reported.length > 0)
    await load()
    expect(reported).toEqual([
      expect.stringContaining('does not keep track of prepared statements'),
    ])
    expect(manager.getStatementStats()).toMatchObject({
      mode: 'auto',
      statements: 0,
      prepares: 0,
      off: [{ reason: reported[0] }],
    })
    const left = await manager.pool.query('select name from pg_prepared_statements')
    expect(left.rows).toEqual([])
  })

  test('that shows only later, a statement that is not known where it is wanted turns it off', async () => {
    await open({ default_pool_size: 2 })
    await manager.pool.query('select')
    await eventually(() => manager.getStatementStats().off[0]?.reason.includes('pooler') === true)
    // As if it were unknown what stands before the server.
    const endpoint = manager.preferred.id
    const preparing = manager.driver.preparing?.of(endpoint)
    Object.assign(preparing as object, { permission: { allowed: true } })
    const reported: string[] = []
    manager.on('preparedStatementsOff', ({ reason }) => reported.push(reason))
    for (let round = 0; round < 40 && reported.length === 0; round += 1) {
      const found = await Promise.all(
        Array.from({ length: 8 }, (_, n) => manager.pool.query(TEXT, [n + 1])),
      )
      expect(found.map(({ rows }) => rows)).toEqual(found.map((_, n) => [{ id: n + 1 }]))
    }
    expect(reported).toEqual([expect.stringMatching(/answered (26000|42P05)/)])
    const { prepares } = manager.getStatementStats()
    await load()
    expect(manager.getStatementStats().prepares).toBe(prepares)
  })

  test('a URL that names the pooler is enough', async () => {
    await open({})
    await manager.close()
    manager = createConnectionManager({
      databaseUrl: `${pooler.url}?pgbouncer=true`,
      logger: false,
    })
    await load()
    expect(manager.getStatementStats()).toMatchObject({ mode: 'off', prepares: 0 })
  })
})

describePgBouncer(
  'behind a pooler by transaction that keeps track of statements',
  () => {
    test('they are prepared, and nothing fails', async () => {
      await open({ max_prepared_statements: 100 })
      await manager.pool.query('select')
      await eventually(() => manager.getStatementStats().off.length === 0)
      await load()
      expect(manager.getStatementStats().hits).toBeGreaterThan(0)
      const query: QueryConfig = { text: 'select name from pg_prepared_statements' }
      expect((await manager.pool.query(query)).rows.length).toBeGreaterThan(0)
    })
  },
  'tracking',
)
