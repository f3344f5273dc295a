import { fakeManager } from '@connmgr/testing'
import fc from 'fast-check'
import {
  AggregatorRegistry,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client'
import { parseExposition, valueIn } from '../test/exposition.js'
import { FAMILIES } from './family.js'
import { connmgrMetrics } from './index.js'

const POOL = 'db_client_connection_pool_name'
const STATE = 'db_client_connection_state'
const COUNT = 'db_client_connection_open'

test('metrics() shows the state of a manager as it is', async () => {
  const { close, manager } = fakeManager({ name: 'orders', poolSize: 2, maxOverflow: 1 })
  const metrics = connmgrMetrics(manager)
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lease = await manager.acquire()
  const samples = parseExposition(metrics.metrics())
  const server = {
    [POOL]: 'orders',
    connmgr_endpoint: 'a',
    server_address: 'a',
    server_port: '5432',
  }
  expect(valueIn(samples, COUNT, { ...server, [STATE]: 'used' })).toBe(1)
  expect(valueIn(samples, COUNT, { ...server, [STATE]: 'idle' })).toBe(0)
  expect(valueIn(samples, 'db_client_connection_limit', server)).toBe(3)
  expect(valueIn(samples, 'connmgr_connection_acquired_total', server)).toBe(1)
  expect(valueIn(samples, 'db_client_connection_timeouts_total', { [POOL]: 'orders' })).toBe(0)
  lease.release()
  await close()
})

test('every sample follows the lines that describe its family', async () => {
  const { close, manager } = fakeManager()
  const metrics = connmgrMetrics(manager)
  await manager.use(() => {})
  const lines = metrics.metrics().split('\n')
  expect(lines.pop()).toBe('')
  let family = ''
  const seen = new Set<string>()
  for (const line of lines) {
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    if (help !== null) {
      family = help[1] as string
      expect(seen).not.toContain(family)
      seen.add(family)
    } else if (line.startsWith('# TYPE'))
      expect(line).toMatch(new RegExp(`^# TYPE ${family} (gauge|counter|histogram)$`))
    else expect(line.replace(/(_bucket|_sum|_count)?[{ ].*/, '')).toBe(family)
  }
  expect(seen.size).toBeGreaterThan(15)
  await close()
})

test('times are cumulative histograms of seconds', async () => {
  const { clock, close, manager } = fakeManager({ poolSize: 1, maxOverflow: 0 })
  const metrics = connmgrMetrics(manager)
  const first = await manager.acquire()
  const second = manager.acquire()
  await clock.advance(700)
  first.release()
  ;(await second).release()
  await clock.settle()
  const samples = parseExposition(metrics.metrics())
  const wait = 'db_client_connection_wait_time_seconds'
  const within = (le: string) => valueIn(samples, `${wait}_bucket`, { le })
  const counts = ['0.001', '0.5', '1', '10', '+Inf'].map(within)
  expect(counts).toEqual([1, 1, 2, 2, 2])
  expect(valueIn(samples, `${wait}_sum`)).toBe(0.7)
  expect(valueIn(samples, `${wait}_count`)).toBe(2)
  await close()
})

test('nothing is lost that was measured before the metrics were made', async () => {
  const { close, manager } = fakeManager()
  for (let n = 0; n < 3; n += 1) await manager.use(() => {})
  const samples = parseExposition(connmgrMetrics(manager).metrics())
  expect(valueIn(samples, 'db_client_connection_wait_time_seconds_count')).toBe(3)
  expect(valueIn(samples, 'db_client_connection_use_time_seconds_count')).toBe(3)
  expect(valueIn(samples, 'db_client_connection_create_time_seconds_count')).toBe(1)
  await close()
})

test('demand is a histogram of seconds', async () => {
  const { clock, close, manager } = fakeManager({ poolSize: 1, maxOverflow: 0 })
  const metrics = connmgrMetrics(manager)
  await clock.advance(3000)
  const first = await manager.acquire()
  const waiting = Array.from({ length: 6 }, () => manager.acquire())
  await clock.advance(2000)
  const samples = parseExposition(metrics.metrics())
  const within = (le: string) => valueIn(samples, 'connmgr_connection_demand_bucket', { le })
  expect([within('0'), within('6'), within('8'), within('+Inf')]).toEqual([3, 3, 5, 5])
  expect(valueIn(samples, 'connmgr_connection_demand_sum')).toBe(14)
  expect(valueIn(samples, 'connmgr_connection_demand_count')).toBe(5)
  first.release()
  for (const each of waiting) (await each).release()
  await close()
})

test('statements are measured where that is switched on', async () => {
  const { clock, close, driver, manager } = fakeManager()
  const plain = connmgrMetrics(manager)
  const metrics = connmgrMetrics(manager, { operationDuration: true })
  driver.always('query', { afterMs: 30 })
  const running = manager.use((connection) => connection.query('select 1'))
  await clock.advance(30)
  await running
  const count = 'db_client_operation_duration_seconds_count'
  const samples = parseExposition(metrics.metrics())
  expect(valueIn(samples, count, { db_system_name: 'fake', connmgr_endpoint: 'a' })).toBe(1)
  expect(valueIn(parseExposition(plain.metrics()), count)).toBeUndefined()
  await close()
})

test('managers of one name and one server are never merged', async () => {
  const [one, two] = [fakeManager({ name: 'main' }), fakeManager({ name: 'main' })]
  const metrics = connmgrMetrics([one.manager, two.manager])
  const leases = [
    await one.manager.acquire(),
    await two.manager.acquire(),
    await two.manager.acquire(),
  ]
  const samples = parseExposition(metrics.metrics())
  const used = (pool: string) => valueIn(samples, COUNT, { [POOL]: pool, [STATE]: 'used' })
  expect([used('main'), used('main#2')]).toEqual([1, 2])
  const keys = samples.map(({ labels, name }) => JSON.stringify([name, labels]))
  expect(new Set(keys).size).toBe(keys.length)
  for (const lease of leases) lease.release()
  await Promise.all([one.close(), two.close()])
})

test('a closed manager is left out, and the next one of its name begins anew', async () => {
  const managers = new Set<ReturnType<typeof fakeManager>['manager']>()
  const metrics = connmgrMetrics(() => managers)
  expect(metrics.metrics()).toBe('')
  for (const acquires of [3, 1]) {
    const { close, manager } = fakeManager({ name: 'again' })
    managers.add(manager)
    for (let n = 0; n < acquires; n += 1) await manager.use(() => {})
    const samples = parseExposition(metrics.metrics())
    expect(valueIn(samples, 'connmgr_connection_acquired_total', { [POOL]: 'again' })).toBe(
      acquires,
    )
    await close()
    expect(metrics.metrics()).toBe('')
  }
})

test('a series has no other labels than its family', async () => {
  const { clock, close, driver, manager } = fakeManager({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
  })
  const metrics = connmgrMetrics(manager, { operationDuration: true })
  await manager.start()
  await clock.settle()
  driver.next('query', { fail: 'statement', afterMs: 1 })
  const failing = manager.use((connection) => connection.query('select 1')).catch(() => {})
  await clock.advance(1)
  await failing
  const families = [...FAMILIES.values()]
  const seen = new Set<string>()
  for (const { labels, name } of parseExposition(metrics.metrics())) {
    const family = families.find(
      (each) => name === each.name || name.replace(/_(bucket|sum|count)$/, '') === each.name,
    )
    expect(family?.labels).toEqual(
      expect.arrayContaining(Object.keys(labels).filter((label) => label !== 'le')),
    )
    seen.add(family?.name ?? name)
  }
  const rare = ['connmgr_endpoint_lag_seconds', 'connmgr_failover_duration_seconds']
  const missing = families.map(({ name }) => name).filter((name) => !seen.has(name))
  expect(missing.filter((name) => !rare.includes(name))).toEqual([
    'connmgr_connection_closed_total',
  ])
  await close()
})

test('stop() stops listening', async () => {
  const { close, manager } = fakeManager()
  const metrics = connmgrMetrics(manager)
  expect(metrics.metrics()).not.toBe('')
  metrics.stop()
  expect(metrics.metrics()).toBe('')
  await close()
})

test('whatever a manager is called, its name comes through', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^["\\\n{},= a]{1,8}$/))
        .filter((name) => name.trim() !== ''),
      async (name) => {
        const { close, manager } = fakeManager({ name })
        const metrics = connmgrMetrics(manager)
        const [sample] = parseExposition(metrics.metrics())
        expect(sample?.labels[POOL]).toBe(name)
        metrics.stop()
        await close()
      },
    ),
    { numRuns: 50 },
  )
})

describe('a registry of prom-client', () => {
  test('shows the same as metrics(), beside what it has', async () => {
    const { close, manager } = fakeManager({ name: 'p' })
    await manager.use(() => {})
    const metrics = connmgrMetrics(manager)
    const registry = new Registry()
    metrics.register(registry)
    const shown = parseExposition(await registry.metrics())
    expect(shown).toEqual(parseExposition(metrics.metrics()))
    expect(shown.length).toBeGreaterThan(20)
    await close()
  })

  test('gets them with its default labels, for OpenMetrics and for clusters too', async () => {
    const { close, manager } = fakeManager({ name: 'p' })
    await manager.use(() => {})
    const metrics = connmgrMetrics(manager)
    const registry: Registry<OpenMetricsContentType | PrometheusContentType> = new Registry()
    registry.setDefaultLabels({ app: 'shop' })
    metrics.register(registry)
    const json = await registry.getMetricsAsJSON()
    expect(json.find(({ name }) => name === COUNT)).toMatchObject({ aggregator: 'sum' })
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const text = await registry.metrics()
    expect(text).toContain('# TYPE connmgr_connection_acquired counter\n')
    expect(text).toMatch(/^connmgr_connection_acquired_total\{.*app="shop".*\} 1$/m)
    expect(await registry.metrics()).toBe(text)
    await close()
  })

  test('of a cluster adds up what its processes show, and takes the highest of what has no sum', async () => {
    const { close, manager } = fakeManager({ name: 'p', acquireTimeoutMs: 7000, poolSize: 4 })
    const metrics = connmgrMetrics(manager)
    const ofWorkers = await Promise.all(
      Array.from({ length: 3 }, () => {
        const registry = new Registry()
        metrics.register(registry)
        return registry.getMetricsAsJSON()
      }),
    )
    const samples = parseExposition(await AggregatorRegistry.aggregate(ofWorkers).metrics())
    expect(valueIn(samples, 'db_client_connection_idle_max')).toBe(12)
    expect(valueIn(samples, 'connmgr_acquire_timeout_seconds')).toBe(7)
    await close()
  })

  test('loses them again, and refuses a second set as a whole', async () => {
    const { close, manager } = fakeManager()
    const registry = new Registry()
    const remove = connmgrMetrics(manager).register(registry)
    const other = new Registry()
    other.registerMetric(registry.getSingleMetric('connmgr_leak_active') as never)
    expect(() => connmgrMetrics(manager).register(other)).toThrow(/already been registered/)
    expect(other.getMetricsAsArray()).toHaveLength(1)
    remove()
    expect(registry.getMetricsAsArray()).toEqual([])
    await close()
  })
})

test('refuses options that there are not', () => {
  expect(() => connmgrMetrics([], { operationDurations: true } as never)).toThrow(
    /did you mean "operationDuration"/,
  )
  expect(() => connmgrMetrics([], { operationDuration: 'yes' as never })).toThrow(/true or false/)
})

test.each([
  [null, /"managers" must be a connection manager.*null/],
  [[{ password: 'secret' }], /an object of class Object/],
  [() => 3, /3/],
])('refuses managers %p', (managers, message) => {
  const call = () => connmgrMetrics(managers as never)
  expect(call).toThrow(message)
  expect(call).toThrow(expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }))
  expect(call).not.toThrow(/secret/)
})
