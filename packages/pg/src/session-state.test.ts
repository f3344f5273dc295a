import { eventually, type PostgresCluster, type PostgresNode, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1, synchronous: true })
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    failoverUrls: cluster.standbys.map((node) => node.url()),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  return manager
}

const terminateAll = async (): Promise<void> => {
  // One that is still logging in would be spared, and one that is being reset is not idle yet.
  await eventually(() => {
    const metrics = manager.getPoolMetrics()
    const open = metrics.totalConnectionsCreated - metrics.totalConnectionsClosed
    return metrics.connecting === 0 && metrics.checkedIn === open
  })
  await cluster.primary.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
  )
  // A session ends a moment later, and would take a statement that is sent meanwhile with it.
  await eventually(() => manager.getPoolMetrics().checkedIn === 0)
}

const onConnect: PgManagerOptions['onConnect'] = async (client) => {
  await client.query("set app.tenant = 'acme'")
}
const tenant = async (): Promise<unknown> =>
  (await manager.pool.query("select current_setting('app.tenant', true) as tenant")).rows[0].tenant

test.each(['none', 'reset-all', 'discard-all'] as const)(
  'what onConnect sets holds for every borrower, reset: %s',
  async (reset) => {
    open({ onConnect, reset })
    for (let n = 0; n < 3; n += 1) expect(await tenant()).toBe('acme')
    await terminateAll()
    for (let n = 0; n < 3; n += 1) expect(await tenant()).toBe('acme')
  },
)

test.each(['none', 'discard-all'] as const)(
  'a named statement is prepared anew wherever it is not known, reset: %s',
  async (reset) => {
    open({ reset })
    const ask = () =>
      Promise.all(
        [1, 2, 3, 4].map(async (n) => {
          const query = { name: 'answer', text: 'select $1::int as n', values: [n] }
          return (await manager.pool.query(query)).rows[0].n
        }),
      )
    expect(await ask()).toEqual([1, 2, 3, 4])
    await terminateAll()
    expect(await ask()).toEqual([1, 2, 3, 4])
  },
)

// Last, as it changes the servers.
test('both hold on the promoted standby', async () => {
  const [standby] = cluster.standbys as [PostgresNode]
  open({ onConnect, reset: 'discard-all' })
  const ask = async () =>
    (await manager.pool.query({ name: 'answer', text: 'select 1 as n', values: [] })).rows[0].n
  expect([await tenant(), await ask()]).toEqual(['acme', 1])
  await cluster.primary.crash()
  await eventually(() => manager.getFailoverStatus().activeEndpoint === undefined)
  const waiting = [tenant(), ask()]
  await standby.promote()
  expect(await Promise.all(waiting)).toEqual(['acme', 1])
  expect([await tenant(), await ask()]).toEqual(['acme', 1])
})
