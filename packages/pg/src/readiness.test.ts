import {
  eventually,
  findFreePort,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let managers: PgConnectionManager[] = []

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1, hbaMethod: 'scram-sha-256' })
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 0 })))
  managers = []
})

function open(options: PgManagerOptions = {}): PgConnectionManager {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    logger: false,
    ...options,
  })
  managers.push(manager)
  return manager
}

test.each([
  ['one server', () => ({})],
  ['two servers', () => ({ failoverUrls: [cluster.standbys[0]?.url() as string] })],
])(
  'over %s a manager is starting, and healthy from the first login on, without any use',
  async (_what, more) => {
    const manager = open(more())
    expect(manager.getHealthStatus()).toMatchObject({ status: 'starting', healthy: false })
    await manager.ready({ timeoutMs: patient(20_000) })
    await eventually(() => manager.getHealthStatus().healthy)
    expect(manager.getHealthStatus().status).toBe('healthy')
  },
)

test.each([
  ['a wrong password', () => cluster.primary.url({ password: 'wrong' }), '28P01'],
  ['a missing database', () => cluster.primary.url({ database: 'none' }), '3D000'],
])('with %s it never is, and ready rejects with what the server says', async (_what, url, code) => {
  const manager = open({ databaseUrl: url() })
  const seen = new Set<boolean>()
  const watching = setInterval(() => seen.add(manager.getHealthStatus().healthy), 1)
  await expect(manager.ready({ timeoutMs: patient(20_000) })).rejects.toMatchObject({
    code: 'CONNMGR_CONNECT_FAILED',
    cause: { code },
  })
  clearInterval(watching)
  expect([...seen, manager.getHealthStatus().healthy]).not.toContain(true)
})

test('without a server ready rejects after its time, with the reason', async () => {
  const databaseUrl = `postgres://postgres@127.0.0.1:${await findFreePort()}/postgres`
  await expect(open({ databaseUrl }).ready({ timeoutMs: 300 })).rejects.toMatchObject({
    code: 'CONNMGR_ACQUIRE_TIMEOUT',
    cause: { code: 'ECONNREFUSED' },
  })
})

test('one session that is terminated does not show', async () => {
  const manager = open()
  await manager.ready({ timeoutMs: patient(20_000) })
  await eventually(() => manager.getHealthStatus().healthy)
  const seen: boolean[] = []
  manager.onAny(() => seen.push(manager.getHealthStatus().healthy))
  const gone = new Promise((resolve) => manager.on('connectionClosed', resolve))
  await cluster.primary.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
  )
  await gone
  expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  expect(seen).not.toContain(false)
  expect(manager.getHealthStatus().healthy).toBe(true)
})
