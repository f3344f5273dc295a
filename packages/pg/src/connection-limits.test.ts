import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  for (const limit of [1, 2])
    await cluster.primary.query(
      `create role few${limit} login password 'x' connection limit ${limit}`,
    )
})
afterAll(() => cluster.stop())
afterEach(() => manager.close({ drainTimeoutMs: 1000 }))

interface Seen {
  refused: number
  readonly states: string[]
}

type Options = Omit<PgManagerOptions, 'failoverUrls'> & { failoverUrls?: readonly string[] }

function open(limit: number, options: Options): Seen {
  const as = (url: string): string => {
    const parsed = new URL(url)
    parsed.username = `few${limit}`
    parsed.password = 'x'
    return parsed.href
  }
  const { databaseUrl = cluster.primary.url(), failoverUrls } = options
  manager = createConnectionManager({
    poolSize: limit,
    maxOverflow: 0,
    logger: false,
    ...options,
    databaseUrl: as(databaseUrl),
    ...(failoverUrls === undefined ? {} : { failoverUrls: failoverUrls.map(as) }),
  })
  const seen: Seen = { refused: 0, states: [] }
  manager.on('connectionFailed', () => {
    seen.refused += 1
  })
  manager.on('endpointStateChanged', ({ endpoint, to }) => seen.states.push(`${endpoint} ${to}`))
  return seen
}

/** Queues callers, of whom every so-many-th has the connection closed, so that another is opened. */
async function work(callers: number, closing = Number.POSITIVE_INFINITY): Promise<void> {
  await Promise.all(
    Array.from({ length: callers }, async (_none, index) => {
      const lease = await manager.acquire()
      await lease.connection.query('select pg_sleep(0.01)')
      if (index % closing === closing - 1) lease.destroy()
      else lease.release()
    }),
  )
}

/** Has so many connections in use at once, and gives them back. */
async function takeAll(count: number): Promise<void> {
  const leases = await Promise.all(Array.from({ length: count }, () => manager.acquire()))
  for (const lease of leases) lease.release()
}

async function sessionsOfMonitor(limit: number): Promise<unknown[]> {
  return cluster.primary.query(
    `select 1 from pg_stat_activity where usename = 'few${limit}' and application_name = 'connmgr-probe'`,
  )
}

describe.each([1, 2])('a role that may have %s connections', (limit) => {
  const cases: [string, () => Options][] = [
    ['one server', () => ({ healthMonitoring: { intervalMs: 50 } })],
    ['several servers', () => ({ failoverUrls: cluster.standbys.map((each) => each.url()) })],
  ]
  test.each(cases)(
    'serves as many callers at once of %s, which is found well',
    async (_of, make) => {
      const seen = open(limit, make())
      await work(40, 4)
      // Until what replaces the connections that were closed has been let in.
      await takeAll(limit)
      // By then the monitor knows how few there are.
      const { refused, states } = { refused: seen.refused, states: seen.states.length }
      await work(150)
      await manager.checkHealth()
      expect(seen.refused).toBe(refused)
      // The server forgets a session that was closed after a moment, in which it refuses the next.
      await work(100, 4)
      await manager.checkHealth()
      expect(seen.states.slice(states)).toEqual([])
      expect(manager.getHealthStatus()).toMatchObject({
        status: 'healthy',
        healthCheck: { healthy: true, role: 'primary' },
        poolMetrics: { failedCheckouts: 0 },
      })
      // A session that the monitor has given up ends a moment later.
      await eventually(async () => (await sessionsOfMonitor(limit)).length === 0)
    },
  )

  test('serves the callers who come with the manager', async () => {
    const seen = open(limit, { healthMonitoring: { intervalMs: 50 } })
    await takeAll(limit)
    expect(seen.refused).toBe(0)
  })
})

test('what is asked over a connection of the pool is what a probe asks, and leaves no trace', async () => {
  open(2, {
    healthMonitoring: { intervalMs: 60_000 },
    onConnect: async (client) => {
      await client.query(
        "set search_path to information_schema; set statement_timeout to '7s'; set default_transaction_read_only to on",
      )
    },
  })
  const lease = await manager.acquire()
  const asked = await manager.driver.replication.ask(lease.connection)
  expect(asked).toMatchObject({ role: 'primary', writable: true, history: '1' })
  const { rows } = await lease.connection.query(
    `select current_setting('search_path') as path, current_setting('statement_timeout') as timeout,
            current_setting('transaction_read_only') as read_only`,
  )
  expect(rows).toEqual([{ path: 'information_schema', timeout: '7s', read_only: 'on' }])
  lease.release()
})

test('a server with room for the pool alone is watched all the same', async () => {
  const small = await startCluster({
    settings: { max_connections: '8', superuser_reserved_connections: '5', max_wal_senders: '2' },
  })
  try {
    await small.primary.query("create role app login password 'x'")
    const url = new URL(small.primary.url())
    url.username = 'app'
    url.password = 'x'
    manager = createConnectionManager({
      databaseUrl: url.href,
      poolSize: 3,
      maxOverflow: 0,
      logger: false,
      healthMonitoring: { intervalMs: 50 },
    })
    await work(60, 4)
    const leases = await Promise.all([1, 2, 3].map(() => manager.acquire()))
    const failed: string[] = []
    manager.on('healthCheckCompleted', ({ error, healthy }) => {
      if (!healthy) failed.push(error?.message ?? '')
    })
    for (let check = 0; check < 5; check += 1) await manager.checkHealth()
    expect(failed).toEqual([])
    expect(manager.getHealthStatus()).toMatchObject({ status: 'healthy', healthy: true })
    for (const lease of leases) lease.release()
    await manager.checkHealth()
    const last = manager.getHealthStatus().healthCheck
    expect(last).toMatchObject({ healthy: true, role: 'primary' })
    expect(last).not.toHaveProperty('refused')
    expect(manager.getPoolMetrics().failedCheckouts).toBe(0)
  } finally {
    await manager.close({ drainTimeoutMs: 1000 })
    await small.stop()
  }
})
