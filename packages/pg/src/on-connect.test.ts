import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import { ManagedPool } from './managed-pool.js'
import type { ManagedPoolConfig } from './pool-config.js'

let cluster: PostgresCluster
let pool: ManagedPool

beforeAll(async () => {
  cluster = await startCluster()
})
afterEach(() => pool.$connections.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: ManagedPoolConfig): ManagedPool {
  pool = new ManagedPool({
    databaseUrl: cluster.primary.url(),
    logger: false,
    ...options,
  })
  return pool
}

/** Sessions that the server has seen of these pools; every login counts. */
const logins = () => pool.$connections.getPoolMetrics().totalConnectionsCreated

test.each<[string, ManagedPoolConfig['onConnect'], string]>([
  ['begin', async (client) => void (await client.query('begin')), 'an open transaction'],
  [
    'a failed transaction',
    async (client) => {
      await client.query('begin')
      await client.query('select nonsense').catch(() => {})
    },
    'an open transaction',
  ],
])(
  'an onConnect that leaves %s is found before anybody gets the connection',
  async (_what, onConnect, left) => {
    open({ onConnect })
    const failures: string[] = []
    pool.$connections.on('connectionFailed', ({ reason, error }) => {
      failures.push(`${reason}: ${error.message}`)
    })
    await expect(pool.query('select 1')).rejects.toMatchObject({
      code: 'CONNMGR_CONNECT_FAILED',
      message: expect.stringContaining(left),
    })
    expect(failures).toEqual([`hook: it left ${left} behind`])
    await eventually(async () => {
      const [row] = await cluster.primary.query(
        "select count(*)::int as n from pg_stat_activity where state like 'idle in transaction%'",
      )
      return row?.n === 0
    })
  },
)

test.each<[string, ManagedPoolConfig]>([
  [
    'onConnect',
    { onConnect: async (client: Client) => void (await client.query('select nonsense')) },
  ],
  ['verify', { verify: (_client, callback) => callback(new Error('nonsense')) }],
  [
    'verify that throws',
    {
      verify: () => {
        throw new Error('nonsense')
      },
    },
  ],
])('callers who ask again at once do not make a storm of logins: %s', async (_what, options) => {
  open({ ...options, healthMonitoring: { unhealthyAfterMs: 100 } })
  let attempts = 0
  pool.$connections.on('connectionFailed', () => {
    attempts += 1
  })
  // So many failures take some attempts, as each fails all who wait; they pause longer and longer.
  const callers = Array.from({ length: 50 }, async () => {
    for (let failed = 0; failed < 6; failed += 1) {
      await expect(pool.query('select 1')).rejects.toMatchObject({
        code: 'CONNMGR_CONNECT_FAILED',
        message: expect.stringContaining('nonsense'),
      })
    }
  })
  await Promise.all(callers)
  expect(attempts).toBeLessThan(20)
  expect(logins()).toBe(0)
  // A probe that logged in before the first caller was refused makes it an outage, which shows once it has lasted.
  await eventually(() => !pool.$connections.getHealthStatus().healthy)
})

test('an onConnect that never returns gives way, and is named', async () => {
  open({
    connectTimeoutMs: patient(200),
    acquireTimeoutMs: patient(1000),
    onConnect: () => new Promise<void>(() => {}),
  })
  await expect(pool.query('select 1')).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    phase: 'connect',
    message: expect.stringContaining('onConnect failed: it had not finished'),
  })
  expect(pool.$connections.getCounts()).toMatchObject({ total: 0 })
})

test('transactions of a single shared connection are one after the other', async () => {
  open({ poolMode: 'static' })
  await pool.query('create table if not exists shared_one (who text)')
  const transact = (who: string, fails: boolean) =>
    pool.$connections
      .transaction(async (client) => {
        await client.query('insert into shared_one values ($1)', [who])
        await client.query('select pg_sleep(0.01)')
        await client.query('insert into shared_one values ($1)', [who])
        if (fails) throw new Error(who)
      })
      .then(
        () => `${who} kept`,
        () => `${who} gone`,
      )
  const reported = await Promise.all(
    Array.from({ length: 10 }, (_, n) => transact(`caller ${n}`, n % 3 === 0)),
  )
  const { rows } = await pool.query<{ who: string; n: number }>(
    'select who, count(*)::int as n from shared_one group by who',
  )
  const there = new Map(rows.map(({ who, n }) => [who, n]))
  expect(reported).toEqual(
    Array.from(
      { length: 10 },
      (_, n) => `caller ${n} ${there.get(`caller ${n}`) === 2 ? 'kept' : 'gone'}`,
    ),
  )
  expect(reported.filter((each) => each.endsWith('gone'))).toHaveLength(4)
  expect(pool.$connections.getPoolMetrics()).toMatchObject({ limit: 1, totalConnectionsCreated: 1 })
})
