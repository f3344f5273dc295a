import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
})
afterEach(() => manager.close({ drainTimeoutMs: 1000 }))
afterAll(() => cluster.stop())

/** Sessions there have ever been on all servers but those of this test, and those that are open. */
async function sessions(): Promise<{ begun: number; open: number }> {
  let begun = 0
  let open = 0
  for (const node of [cluster.primary, ...cluster.standbys]) {
    const [row] = await node.query(
      `select (select count(*) from pg_stat_activity where application_name like 'connmgr%' or application_name = 'sleeper')::int as open,
              (select sum(sessions) from pg_stat_database)::int as begun`,
    )
    open += Number(row?.open)
    begun += Number(row?.begun)
  }
  return { begun, open }
}

test.each([
  ['one server', false],
  ['several servers', true],
])(
  '%s: no session is open or begun while nothing is used, and the next caller is served',
  async (_of, several) => {
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      ...(several ? { failoverUrls: cluster.standbys.map((each) => each.url()) } : {}),
      clientConfig: { application_name: 'sleeper' },
      logger: false,
      minIdle: 1,
      idleTimeoutMs: 100,
      healthMonitoring: { intervalMs: 50, restAfterMs: 2000 },
    })
    expect((await manager.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await eventually(() => manager.getHealthStatus().resting)
    await eventually(async () => (await sessions()).open === 0)
    // The probe of this test is a session too, on each server.
    const before = await sessions()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const after = await sessions()
    expect(after.open).toBe(0)
    expect(after.begun - before.begun).toBeLessThanOrEqual(1 + cluster.standbys.length)
    expect(manager.getHealthStatus()).toMatchObject({ resting: true, status: 'healthy' })
    expect((await manager.pool.query('select 2 as two')).rows).toEqual([{ two: 2 }])
    expect(manager.getHealthStatus().resting).toBe(false)
    const { totalChecks } = manager.getHealthStats()
    await eventually(() => manager.getHealthStats().totalChecks > totalChecks)
  },
)

test('a listener counts as use', async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    healthMonitoring: { intervalMs: 50, restAfterMs: 100 },
  })
  const received: string[] = []
  const unlisten = await manager.listen('news', ({ payload }) => void received.push(payload))
  const { totalChecks } = manager.getHealthStats()
  await eventually(() => manager.getHealthStats().totalChecks > totalChecks + 10)
  expect(manager.getHealthStatus().resting).toBe(false)
  await unlisten()
  await eventually(() => manager.getHealthStatus().resting)
})
