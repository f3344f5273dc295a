import {
  eventually,
  type FaultProxy,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
  startFaultProxy,
} from '@connmgr/testing'
import type { PoolClient } from 'pg'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { PgManagerOptions } from './manager-options.js'

let cluster: PostgresCluster
let standby: PostgresNode
let proxy: FaultProxy
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
  standby = cluster.standbys[0] as PostgresNode
  proxy = await startFaultProxy({ target: cluster.primary })
})
afterAll(async () => {
  await proxy.close()
  await cluster.stop()
})
afterEach(async () => {
  await proxy.heal()
  await cluster.primary.thaw()
  await manager.close({ drainTimeoutMs: patient(1000) })
})

/** A manager that knows the primary through the proxy, and its standby directly. */
async function start(options: PgManagerOptions = {}): Promise<void> {
  const url = new URL(cluster.primary.url())
  url.port = String(proxy.port)
  manager = createConnectionManager({
    databaseUrl: url.href,
    failoverUrls: [standby.url()],
    logger: false,
    ...options,
  })
  await manager.warmUp(3)
}

const stateOf = (index: number) => manager.getFailoverStatus().endpoints[index]?.state

/** Held clients with a query in flight on each. */
async function hang(text = 'select 1'): Promise<Promise<string>[]> {
  const clients = await Promise.all([manager.pool.connect(), manager.pool.connect()])
  return clients.map((client: PoolClient) =>
    client
      .query(text)
      .then(
        () => 'answered',
        () => 'rejected',
      )
      .finally(() => client.release()),
  )
}

describe('a server that falls silent', () => {
  test.each(['both', 'to-server', 'to-client'] as const)(
    'by a black hole (%s): what hung is rejected, readers go on, and it is used again once it answers',
    async (direction) => {
      await start()
      const clients = await Promise.all([manager.pool.connect(), manager.pool.connect()])
      proxy.blackHole(direction)
      const hanging = clients.map((client) => client.query('select 1'))
      const outcomes = await Promise.allSettled(hanging)
      expect(outcomes.map((each) => each.status)).toEqual(['rejected', 'rejected'])
      expect(stateOf(0)).toBe('DOWN')
      for (const client of clients) client.release()
      expect(manager.getPoolMetrics().checkedOut).toBe(0)
      expect((await manager.replica.query('select 1 as n')).rows).toEqual([{ n: 1 }])
      const waiting = manager.pool.query('select 2 as n')
      await proxy.heal()
      expect((await waiting).rows).toEqual([{ n: 2 }])
      expect(manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', failovers: 0 })
    },
  )

  test('for a moment only: the queries in flight go on', async () => {
    await start({ failover: { suspectCount: 40 } })
    const hanging = await hang('select pg_sleep(0.1)')
    await cluster.primary.freeze()
    await eventually(() => stateOf(0) === 'SUSPECT')
    await cluster.primary.thaw()
    expect(await Promise.all(hanging)).toEqual(['answered', 'answered'])
    await eventually(() => stateOf(0) === 'UP')
  })
})

describe('a statement that runs for longer than queryTimeoutMs', () => {
  test('is cancelled on the server, and says why; the server stays up', async () => {
    await start({ queryTimeoutMs: patient(200) })
    await expect(manager.pool.query('select pg_sleep(600)')).rejects.toMatchObject({
      message: expect.stringMatching(/queryTimeoutMs \(\d+ ms\)/),
    })
    await eventually(async () => {
      const rows = await cluster.primary.query(
        `select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(600)'`,
      )
      return rows.length === 0
    })
    expect(stateOf(0)).toBe('UP')
    expect(manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, failedCheckouts: 0 })
  })

  test('because its backend is frozen loses that one connection, and no other', async () => {
    await start({ queryTimeoutMs: patient(200) })
    const closed: string[] = []
    manager.on('connectionClosed', (event) => closed.push(event.reason))
    const frozen = await manager.pool.connect()
    const { rows } = await frozen.query<{ pid: number }>('select pg_backend_pid() as pid')
    const pid = rows[0]?.pid as number
    process.kill(pid, 'SIGSTOP')
    try {
      await expect(frozen.query('select 1')).rejects.toBeDefined()
      frozen.release()
      expect((await manager.pool.query('select 2 as n')).rows).toEqual([{ n: 2 }])
      expect(closed).toEqual(['query-timeout'])
      expect(stateOf(0)).toBe('UP')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })
})

test('a stopped postmaster is reported, while its sessions stay in use and it stays UP', async () => {
  await start({ failover: { loginProbeMs: patient(300), probeConnectTimeoutMs: patient(300) } })
  const states: string[] = []
  const reported: string[] = []
  for (const type of ['loginsFailed', 'loginsRecovered'] as const)
    manager.on(type, (event) => reported.push(event.type))
  const client = await manager.pool.connect()
  const pid = cluster.primary.pid as number
  process.kill(pid, 'SIGSTOP')
  try {
    await eventually(() => reported.length === 1)
    manager.on('endpointStateChanged', (event) => states.push(event.to))
    expect(manager.getFailoverStatus().endpoints[0]).toMatchObject({
      state: 'UP',
      loginError: { message: expect.stringMatching(/^logins to .* fail/) },
    })
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  } finally {
    process.kill(pid, 'SIGCONT')
    client.release()
  }
  await eventually(() => reported.length === 2)
  expect(reported).toEqual(['loginsFailed', 'loginsRecovered'])
  expect(states).toEqual([])
})
