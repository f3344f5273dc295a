import {
  createConnectionManager,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import { ask, readinessOf } from '../test/asking.js'
import { serve } from '../test/served.js'
import { type HealthOptions, healthHandlers, type WatchedManager } from './index.js'

let cluster: PostgresCluster
let managers: PgConnectionManager[] = []

afterEach(async () => {
  await Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 0 })))
  managers = []
})

function open(options: PgManagerOptions = {}): PgConnectionManager {
  const manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    name: 'main',
    logger: false,
    healthMonitoring: { intervalMs: 200 },
    ...options,
  })
  managers.push(manager)
  return manager
}

const onBoth = (): PgManagerOptions => ({
  failoverUrls: cluster.standbys.map((each) => each.url()),
})

const watch = (
  manager: PgConnectionManager,
  options: HealthOptions = {},
  more: Partial<WatchedManager> = {},
) => healthHandlers({ manager, ...more }, options)

type Handlers = ReturnType<typeof watch>

/** Waits until readiness says this, and takes down everything that it says before. */
async function until({ ready }: Handlers, status: number, observed: string): Promise<Set<string>> {
  const before = new Set<string>()
  await eventually(
    () => {
      const [is, , what] = readinessOf(ready, 'main')
      if (is === status && what === observed) return true
      before.add(`${is} ${what}`)
      return false
    },
    () => `not ${status} ${observed}, but ${[...before].join(', ')}`,
  )
  return before
}

describe('one server', () => {
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test('a server that stops and comes back: grace, then 503, then 200; liveness all the while', async () => {
    const manager = open()
    const handlers = watch(manager, { graceMs: 3000 })
    await using mounted = await serve((request, response) =>
      (request.url === '/livez' ? handlers.live : handlers.ready)(request, response),
    )
    await manager.ready({ timeoutMs: patient(20_000) })
    await until(handlers, 200, 'ok')
    expect((await fetch(mounted.url)).status).toBe(200)
    await cluster.primary.stop('immediate')
    await until(handlers, 200, 'grace')
    const before = await until(handlers, 503, 'unusable')
    expect([...before]).toEqual(['200 grace'])
    expect((await fetch(mounted.url)).status).toBe(503)
    expect((await fetch(`${mounted.url}/livez`)).status).toBe(200)
    await cluster.primary.start()
    await until(handlers, 200, 'ok')
    expect((await fetch(mounted.url)).status).toBe(200)
  })

  test('a restart within the grace is never 503', async () => {
    const manager = open()
    const handlers = watch(manager, { graceMs: patient(30_000) })
    await until(handlers, 200, 'ok')
    await cluster.primary.stop('fast')
    await until(handlers, 200, 'grace')
    await cluster.primary.start()
    const before = await until(handlers, 200, 'ok')
    expect([...before].filter((each) => each.startsWith('503'))).toEqual([])
  })

  test('a server that is frozen', async () => {
    const manager = open({ healthMonitoring: { intervalMs: 200, timeoutMs: 500 } })
    const handlers = watch(manager, { graceMs: 500 })
    await until(handlers, 200, 'ok')
    await cluster.primary.freeze()
    try {
      await until(handlers, 503, 'unusable')
      expect(ask(handlers.live)[0]).toBe(200)
    } finally {
      await cluster.primary.thaw()
    }
    await until(handlers, 200, 'ok')
  })

  test('of an exhausted pool 1,000 probes over HTTP borrow and open nothing', async () => {
    const manager = open({ poolSize: 2, maxOverflow: 0 })
    const handlers = watch(manager)
    await using mounted = await serve(handlers.ready)
    await until(handlers, 200, 'ok')
    const leases = await Promise.all([manager.acquire(), manager.acquire()])
    const before = manager.getPoolMetrics()
    const lent: unknown[] = []
    const stop = manager.on('connectionAcquired', (event) => lent.push(event))
    for (let round = 0; round < 100; round += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(mounted.url)))
      for (const each of answers) {
        expect(each.status).toBe(200)
        expect(((await each.json()) as { status: string }).status).toBe('warn')
      }
    }
    stop()
    const { totalCheckouts, totalConnectionsCreated } = manager.getPoolMetrics()
    expect(lent).toEqual([])
    expect({ totalCheckouts, totalConnectionsCreated }).toEqual({
      totalCheckouts: before.totalCheckouts,
      totalConnectionsCreated: before.totalConnectionsCreated,
    })
    expect(readinessOf(handlers.ready, 'main')).toEqual([200, 'warn', 'pool-exhausted'])
    for (const each of leases) each.release()
  })

  test('without monitoring: no session but that of the start, and failed connects tell of an outage', async () => {
    const manager = open({ healthMonitoring: false, connectTimeoutMs: 1000 })
    const handlers = watch(manager, { graceMs: 500 })
    expect(ask(handlers.startup)[0]).toBe(503)
    await until(handlers, 200, 'ok')
    expect(ask(handlers.startup)[0]).toBe(200)
    for (let asked = 0; asked < 100; asked += 1) ask(handlers.ready)
    // What is read of the catalog when a database is used for the first time has a session of its own, which ends.
    await eventually(async () => {
      const [sessions] = await cluster.primary.query<{ count: string }>(
        "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      )
      return Number(sessions?.count) === 1
    })
    await cluster.primary.stop('immediate')
    await expect(manager.acquire({ timeoutMs: 300 })).rejects.toThrow()
    await until(handlers, 503, 'unusable')
    await cluster.primary.start()
    await until(handlers, 200, 'ok')
  })
})

describe('a primary and its standby', () => {
  beforeEach(async () => {
    cluster = await startCluster({ standbys: 1 })
  })
  afterEach(() => cluster.stop())

  test('a failover to the second server is never 503', async () => {
    const manager = open(onBoth())
    const handlers = watch(manager, { graceMs: patient(60_000) }, { requires: 'writes' })
    await until(handlers, 200, 'ok')
    const [standby] = cluster.standbys
    const old = cluster.primary
    await old.crash()
    const seen = await until(handlers, 200, 'grace')
    await standby?.promote()
    for (const each of await until(handlers, 200, 'no-standby')) seen.add(each)
    expect([...seen].filter((each) => !each.startsWith('200'))).toEqual([])
    expect(manager.getFailoverStatus().failovers).toBe(1)
  })

  test('a standby that is lost', async () => {
    const manager = open(onBoth())
    const handlers = watch(manager)
    await until(handlers, 200, 'ok')
    await cluster.standbys[0]?.stop('immediate')
    // First that reads go to the primary, and what is wrong with the server once that has lasted.
    await until(handlers, 200, 'no-standby')
    await until(handlers, 200, 'impaired')
  })

  test('a primary that is lost leaves reads, and with the standby all is lost', async () => {
    const manager = open(onBoth())
    const handlers = watch(manager, { graceMs: 1000 })
    const strict = watch(manager, { graceMs: 1000 }, { requires: 'writes' })
    await until(handlers, 200, 'ok')
    await cluster.primary.stop('immediate')
    await until(handlers, 200, 'read-only')
    await until(strict, 503, 'unusable')
    expect(readinessOf(handlers.ready, 'main')).toEqual([200, 'warn', 'read-only'])
    await cluster.standbys[0]?.stop('immediate')
    await until(handlers, 503, 'unusable')
  })

  test('one server that comes back as a standby is read-only', async () => {
    const manager = open()
    const handlers = watch(manager)
    const strict = watch(manager, { graceMs: 0 }, { requires: 'writes' })
    await until(handlers, 200, 'ok')
    const [standby] = cluster.standbys
    const old = cluster.primary
    await standby?.promote()
    await old.rebuildAsStandbyOf(cluster.primary)
    await until(handlers, 200, 'read-only')
    await until(strict, 503, 'unusable')
  })

  test('no host, port or user shows in a summary, whatever has happened', async () => {
    const manager = open(onBoth())
    const handlers = watch(manager, { graceMs: 300 })
    const full = watch(manager, { details: 'full' })
    const seen: string[] = []
    const note = () => {
      for (const each of ['ready', 'startup'] as const)
        seen.push(JSON.stringify(ask(handlers[each])))
    }
    note()
    await until(handlers, 200, 'ok')
    note()
    for (const each of [...cluster.standbys, cluster.primary]) {
      await each.stop('immediate')
      await eventually(() => {
        note()
        return manager
          .getFailoverStatus()
          .endpoints.some(({ port, state }) => port === each.port && state === 'DOWN')
      })
    }
    await until(handlers, 503, 'unusable')
    note()
    const reported = seen.join('\n')
    for (const each of cluster.nodes) {
      expect(reported).not.toContain(String(each.port))
      expect(JSON.stringify(ask(full.ready))).toContain(String(each.port))
    }
    expect(reported).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/)
  })
})
