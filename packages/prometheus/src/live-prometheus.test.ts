import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lease } from '@connmgr/core'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  describePrometheus,
  eventually,
  type PostgresCluster,
  type PrometheusSeries,
  patient,
  type RunningPrometheus,
  startCluster,
  startPrometheus,
} from '@connmgr/testing'
import { type PanelQuery, queriesOf, readAlerts, readDashboard } from '../test/dashboard.js'
import { connmgrMetrics } from './index.js'

const POOL = 'db_client_connection_pool_name'

/** How long a caller may wait. Half of it is near the deadline. */
const WAIT_MS = 5000

/** The rules as they are, but alerts fire at once: a test of `for` has time of its own, in alerts.test.yml. */
const RULES = readAlerts().replaceAll(/^ +for: .*\n/gm, '')

describePrometheus('a Prometheus that scrapes an application', () => {
  const queries = queriesOf(readDashboard())
  const shown = new Set<PanelQuery>()
  const metrics = connmgrMetrics(undefined, { operationDuration: true })
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  let twin: PgConnectionManager
  let app: Server
  let prometheus: RunningPrometheus

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
    const [primary, standby] = cluster.nodes.map((node) => node.url()) as [string, string]
    const options = {
      name: 'shop',
      databaseUrl: primary,
      poolSize: 1,
      maxOverflow: 0,
      logger: false,
    } as const
    manager = createConnectionManager({
      ...options,
      failoverUrls: [standby],
      acquireTimeoutMs: WAIT_MS,
      leakDetection: { thresholdMs: 200 },
      healthMonitoring: { intervalMs: 500 },
    })
    twin = createConnectionManager({ ...options, healthMonitoring: false })
    app = createServer((_request, response) => {
      response.setHeader('Content-Type', metrics.contentType)
      response.end(metrics.metrics())
    })
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    const { port } = app.address() as AddressInfo
    prometheus = await startPrometheus({ target: port, rules: RULES })
  }, patient(120_000))

  afterAll(async () => {
    await prometheus?.stop()
    metrics.stop()
    app?.closeAllConnections()
    app?.close()
    await Promise.all([manager, twin].map((each) => each?.close({ drainTimeoutMs: 0 })))
    await cluster?.stop()
  }, patient(60_000))

  /** Asks everything that the dashboard asks, and keeps in mind which queries had an answer. */
  async function look(): Promise<void> {
    for (const query of queries) {
      const series = await prometheus.query(query.promql)
      if (series.some(({ value }) => !Number.isNaN(value))) shown.add(query)
    }
  }

  async function ask(panel: string): Promise<readonly PrometheusSeries[]> {
    const query = queries.find((each) => each.panel === panel)
    if (query === undefined) throw new Error(`there is no panel ${panel}`)
    return prometheus.query(query.promql)
  }

  async function value(panel: string): Promise<number | undefined> {
    return (await ask(panel))[0]?.value
  }

  async function firing(name: string): Promise<boolean> {
    const alerts = await prometheus.alerts()
    return alerts.some((each) => each.name === name && each.state === 'firing')
  }

  const fires = (name: string) =>
    eventually(
      () => firing(name),
      () => `${name} does not fire`,
    )
  const ends = (name: string) =>
    eventually(
      async () => !(await firing(name)),
      () => `${name} goes on firing`,
    )

  /** Until Prometheus has scraped what is true now. */
  const until = (panel: string, expected: number) =>
    eventually(
      async () => (await value(panel)) === expected,
      () => `the panel "${panel}" does not show ${expected}`,
    )

  test('a healthy application fires no alert, and its pools are distinguished', async () => {
    await manager.ready()
    for (let n = 0; n < 5; n += 1) {
      await manager.pool.query('select 1')
      await twin.pool.query('select 1')
    }
    await eventually(async () => (await ask('Writable')).length === 2)
    const writable = await ask('Writable')
    expect(writable.map(({ metric, value }) => [metric[POOL], value])).toEqual(
      expect.arrayContaining([
        ['shop', 1],
        ['shop#2', 1],
      ]),
    )
    await until('Servers down', 0)
    await eventually(async () => (await prometheus.rules()).every(({ health }) => health === 'ok'))
    await look()
    expect(await prometheus.alerts()).toEqual([])
  })

  test('an exhausted pool shows those who wait and those who gave up, and a leak', async () => {
    const held: Lease<object> = await manager.acquire()
    const waiting = Array.from({ length: 3 }, () => manager.acquire({ timeoutMs: 60_000 }))
    const late = manager.acquire({ timeoutMs: 50 }).catch((error: { code: string }) => error.code)
    expect(await late).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    await until('Callers waiting', 3)
    await until('Fullest pool', 1)
    await until('Active leaks', 1)
    await Promise.all(
      [
        'ConnmgrCallersWaiting',
        'ConnmgrAcquireTimeouts',
        'ConnmgrPoolNearLimit',
        'ConnmgrLeak',
      ].map(fires),
    )
    const alerts = await prometheus.alerts()
    expect(alerts.filter(({ labels }) => labels[POOL] === 'shop#2')).toEqual([])
    expect(alerts.find(({ name }) => name === 'ConnmgrCallersWaiting')?.annotations).toMatchObject({
      summary: expect.stringContaining('pool shop of 127.0.0.1:'),
      description: expect.stringMatching(/^3 callers wait/),
    })
    await look()
    await eventually(() => (manager.getHolders()[0]?.heldForMs ?? 0) > WAIT_MS)
    held.release()
    for (const each of waiting) (await each).release()
    await until('Callers waiting', 0)
    await until('Active leaks', 0)
    await Promise.all(['ConnmgrCallersWaiting', 'ConnmgrPoolNearLimit', 'ConnmgrLeak'].map(ends))
    // They had waited for longer than callers may by the options.
    await fires('ConnmgrWaitNearDeadline')
  })

  test('a connection that comes back inside a transaction is shown, and statements that fail', async () => {
    const lease = await manager.acquire()
    await lease.connection.query('begin')
    lease.release()
    ;(await manager.acquire()).destroy()
    await expect(manager.pool.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
    await fires('ConnmgrDirtyConnections')
    await eventually(async () => {
      await look()
      return [...shown].some(({ promql }) => promql.includes('error_type'))
    })
  })

  test('a lost primary and the failover to its standby are shown', async () => {
    const [primary, standby] = cluster.nodes
    await look()
    await primary?.crash()
    await Promise.all(['ConnmgrNoWriter', 'ConnmgrServerDown'].map(fires))
    await until('Servers down', 1)
    const down = (await prometheus.alerts()).find(({ name }) => name === 'ConnmgrServerDown')
    expect(down?.labels).toMatchObject({
      [POOL]: 'shop',
      connmgr_endpoint: `127.0.0.1:${primary?.port}/postgres`,
    })
    await standby?.promote()
    await fires('ConnmgrFailover')
    await ends('ConnmgrNoWriter')
    const failovers = await ask('Time without a writer')
    expect(failovers.map(({ metric }) => metric.connmgr_reason)).toEqual(['failover'])
    expect(failovers[0]?.value).toBeGreaterThan(0)
    await look()
  })

  test('each query of the dashboard had an answer', () => {
    const silent = queries.filter((query) => !shown.has(query))
    expect(silent).toEqual([])
  })

  test('a closed pool is no longer shown', async () => {
    await twin.close({ drainTimeoutMs: 0 })
    await eventually(async () => (await ask('Writable')).length === 1)
    const [left] = await ask('Writable')
    expect(left?.metric[POOL]).toBe('shop')
  })
})
