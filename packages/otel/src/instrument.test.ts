import { connectionManagers } from '@connmgr/core'
import { fakeManager } from '@connmgr/testing'
import { DiagLogLevel, diag, metrics } from '@opentelemetry/api'
import { AggregationTemporality } from '@opentelemetry/sdk-metrics'
import { meterProvider } from '../test/collected.js'
import { instrument } from './index.js'

const POOL = 'db.client.connection.pool.name'
const STATE = 'db.client.connection.state'
const COUNT = 'db.client.connection.count'

test('connections are shown as they are at each collection', async () => {
  const { collect, provider } = meterProvider()
  const { close, manager } = fakeManager({ name: 'orders', poolSize: 2, maxOverflow: 1 })
  instrument(manager, { meterProvider: provider })
  const leases = [await manager.acquire(), await manager.acquire()]
  const busy = await collect()
  const server = { [POOL]: 'orders', 'server.address': 'a', 'server.port': 5432 }
  expect(busy.value(COUNT, { ...server, [STATE]: 'used' })).toBe(2)
  expect(busy.value(COUNT, { ...server, [STATE]: 'idle' })).toBe(0)
  expect(busy.value('db.client.connection.limit', server)).toBe(3)
  expect(busy.value('db.client.connection.idle.max', server)).toBe(2)
  expect(busy.value('db.client.connection.idle.min', server)).toBe(0)
  for (const lease of leases) lease.release()
  const idle = await collect()
  expect(idle.value(COUNT, { [STATE]: 'used' })).toBe(0)
  expect(idle.value(COUNT, { [STATE]: 'idle' })).toBe(2)
  expect(idle.value('connmgr.connection.acquired')).toBe(2)
  await close()
})

test('waiting, using and opening are measured in seconds, in the buckets of the conventions', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, manager } = fakeManager({ poolSize: 1, maxOverflow: 0 })
  instrument(manager, { meterProvider: provider })
  const first = await manager.acquire()
  const second = manager.acquire()
  await clock.advance(700)
  expect((await collect()).value('db.client.connection.pending_requests')).toBe(1)
  first.release()
  ;(await second).release()
  await clock.settle()
  const collected = await collect()
  expect(collected.value('db.client.connection.pending_requests')).toBe(0)
  const waits = collected.histogram('db.client.connection.wait_time')
  expect(waits?.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
  expect(waits).toMatchObject({ count: 2, sum: 0.7, max: 0.7 })
  expect(collected.histogram('db.client.connection.use_time')).toMatchObject({
    count: 2,
    sum: 0.7,
    buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300] },
  })
  expect(collected.histogram('db.client.connection.create_time')).toMatchObject({ count: 1 })
  await close()
})

test('the connections that were wanted at once are counted over time', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, manager } = fakeManager({ poolSize: 1, maxOverflow: 0 })
  instrument(manager, { meterProvider: provider })
  const first = await manager.acquire()
  const waiting = Array.from({ length: 6 }, () => manager.acquire())
  await clock.advance(2000)
  const collected = await collect()
  const seconds = (connections: string) =>
    collected.value('connmgr.connection.demand.time', { 'connmgr.connections': connections })
  expect(seconds('8')).toBe(2)
  first.release()
  for (const each of waiting) (await each).release()
  await close()
})

test('a timeout counts as one, and other failures do not', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, manager } = fakeManager({ poolSize: 1, maxOverflow: 0 })
  instrument(manager, { meterProvider: provider })
  expect((await collect()).value('db.client.connection.timeouts')).toBe(0)
  const held = await manager.acquire()
  const abort = new AbortController()
  const late = manager.acquire({ timeoutMs: 50 }).catch((error: Error) => error)
  const aborted = manager.acquire({ signal: abort.signal }).catch((error: Error) => error)
  abort.abort()
  await clock.advance(60)
  await Promise.all([late, aborted])
  const collected = await collect()
  expect(collected.value('db.client.connection.timeouts')).toBe(1)
  const failed = (reason: string) =>
    collected.value('connmgr.acquire.failed', { 'connmgr.reason': reason })
  expect([failed('timeout'), failed('aborted'), failed('closed')]).toEqual([1, 1, 0])
  held.release()
  await close()
})

test('managers of one name and one server are never merged', async () => {
  const { collect, provider } = meterProvider()
  const [one, two] = [fakeManager({ name: 'main' }), fakeManager({ name: 'main' })]
  instrument([one.manager, two.manager], { meterProvider: provider })
  const leases = [
    await one.manager.acquire(),
    await two.manager.acquire(),
    await two.manager.acquire(),
  ]
  const collected = await collect()
  const used = (pool: string) => collected.value(COUNT, { [POOL]: pool, [STATE]: 'used' })
  expect([used('main'), used('main#2')]).toEqual([1, 2])
  const waits = (pool: string) =>
    collected.value('db.client.connection.wait_time', { [POOL]: pool })
  expect([waits('main'), waits('main#2')]).toEqual([1, 2])
  for (const lease of leases) lease.release()
  await Promise.all([one.close(), two.close()])
})

test('a manager that is instrumented twice is shown once, until both are ended', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, manager } = fakeManager()
  const stops = [
    instrument(manager, { meterProvider: provider }),
    instrument([manager, manager], { meterProvider: provider }),
  ]
  const lease = await manager.acquire()
  await clock.settle()
  const used = async () => (await collect()).value(COUNT, { [STATE]: 'used' })
  expect(await used()).toBe(1)
  expect((await collect()).value('db.client.connection.wait_time')).toBe(1)
  stops[0]?.()
  expect(await used()).toBe(1)
  stops[1]?.()
  expect(await used()).toBe(0)
  ;(await manager.acquire()).release()
  await clock.settle()
  expect((await collect()).value('db.client.connection.wait_time')).toBe(1)
  lease.release()
  await close()
})

test('a manager that has closed shows no connection, no limit and no server', async () => {
  const { collect, provider } = meterProvider()
  const { close, manager } = fakeManager({ name: 'short' })
  instrument(manager, { meterProvider: provider })
  await manager.use(() => {})
  expect((await collect()).value('connmgr.pool.open')).toBe(1)
  await close()
  const after = await collect()
  expect(after.value('connmgr.pool.open')).toBe(0)
  expect(after.value(COUNT)).toBe(0)
  expect(after.value('db.client.connection.limit')).toBe(0)
  expect(after.value('connmgr.pool.writable')).toBe(0)
  expect(after.value('connmgr.connection.acquired')).toBe(1)
  expect(after.value('connmgr.connection.closed', { 'connmgr.reason': 'closed' })).toBe(1)
})

test('connections that callers hold while a manager drains are still shown', async () => {
  const { collect, provider } = meterProvider()
  const { clock, manager } = fakeManager()
  const managers = new Set([manager])
  instrument(() => managers, { meterProvider: provider })
  const lease = await manager.acquire()
  const closing = manager.close({ drainTimeoutMs: 5000 })
  managers.delete(manager)
  await clock.advance(100)
  expect((await collect()).value(COUNT, { [STATE]: 'used' })).toBe(1)
  lease.release()
  await clock.advance(6000)
  await closing
  expect((await collect()).value(COUNT)).toBe(0)
})

test.each([AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])(
  'a manager that takes the name of a closed one continues its counters (temporality %s)',
  async (temporality) => {
    const { collect, provider } = meterProvider(temporality)
    const managers: ReturnType<typeof fakeManager>['manager'][] = []
    instrument(() => managers, { meterProvider: provider })
    let total = 0
    for (const acquires of [3, 5, 1]) {
      const { close, manager } = fakeManager({ name: 'again' })
      managers.push(manager)
      for (let n = 0; n < acquires; n += 1) await manager.use(() => {})
      const seen = (await collect()).value('connmgr.connection.acquired', { [POOL]: 'again' })
      total += acquires
      expect(seen).toBe(temporality === AggregationTemporality.DELTA ? acquires : total)
      await manager.use(() => {})
      total += 1
      await close()
      await collect()
    }
  },
)

test('managers that a function names later are shown', async () => {
  const { collect, provider } = meterProvider()
  const managers = new Map<string, ReturnType<typeof fakeManager>>()
  instrument(() => [...managers.values()].map(({ manager }) => manager), {
    meterProvider: provider,
  })
  expect((await collect()).names).toEqual([])
  for (const name of ['x', 'y']) managers.set(name, fakeManager({ name }))
  const collected = await collect()
  expect(collected.series('connmgr.pool.open').map(({ attributes }) => attributes[POOL])).toEqual([
    'x',
    'y',
  ])
  for (const { close } of managers.values()) await close()
})

test('without managers all of the process are shown, also those made later, with all that they did', async () => {
  const { collect, provider } = meterProvider()
  const first = fakeManager({ name: 'first' })
  const stop = instrument(undefined, { meterProvider: provider })
  const second = fakeManager({ name: 'second' })
  await second.manager.use(() => {})
  await second.clock.settle()
  const collected = await collect()
  const pools = collected.series('connmgr.pool.open').map(({ attributes }) => attributes[POOL])
  expect(pools).toEqual(expect.arrayContaining(['first', 'second']))
  const waits = collected.value('db.client.connection.wait_time', { [POOL]: 'second' })
  expect(waits).toBe(1)
  stop()
  await Promise.all([first.close(), second.close()])
})

test('what connectionManagers lists can be shown', async () => {
  const { collect, provider } = meterProvider()
  const { close, manager } = fakeManager({ name: 'listed' })
  const stop = instrument(() => connectionManagers().filter(({ name }) => name === 'listed'), {
    meterProvider: provider,
  })
  const collected = await collect()
  expect(collected.series('connmgr.pool.open').map(({ attributes }) => attributes)).toEqual([
    { [POOL]: 'listed' },
  ])
  expect(manager.name).toBe('listed')
  stop()
  await close()
})

describe('statements', () => {
  const OPERATION = 'db.client.operation.duration'

  test('are measured where that is switched on, and only those that were sent', async () => {
    const { collect, provider } = meterProvider()
    const [one, two] = [fakeManager({ name: 'one' }), fakeManager({ name: 'two' })]
    const stop = instrument(one.manager, { meterProvider: provider, operationDuration: true })
    instrument(two.manager, { meterProvider: provider })
    one.driver.next('query', { afterMs: 30 }, { fail: 'statement' })
    for (const { clock, manager } of [one, two]) {
      const running = manager.use((connection) => connection.query('select 1'))
      await clock.advance(30)
      await running
    }
    const failing = one.manager.use((connection) => connection.query('select secret'))
    await failing.catch(() => {})
    const collected = await collect()
    expect(collected.series(OPERATION, { [POOL]: 'two' })).toEqual([])
    expect(collected.series(OPERATION).map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({ [POOL]: 'one', 'db.system.name': 'fake', 'server.address': 'a' }),
    ])
    expect(collected.histogram(OPERATION)).toMatchObject({ count: 1, sum: 0.03 })
    stop()
    await Promise.all([one.close(), two.close()])
  })

  test('that fail are distinguished by their code', async () => {
    const { collect, provider } = meterProvider()
    const { clock, close, driver, manager } = fakeManager()
    const stop = instrument(manager, { meterProvider: provider, operationDuration: true })
    driver.next('query', { fail: 'statement', afterMs: 5 })
    const failing = manager.use((connection) => connection.query('select 1')).catch(() => {})
    await clock.advance(5)
    await failing
    const [failed] = (await collect()).series(OPERATION)
    expect(failed?.attributes['error.type']).toMatch(/^\w+$/)
    stop()
    expect(manager.queries.active).toBe(false)
    await close()
  })
})

test('a leak is shown while it lasts', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, manager } = fakeManager({ leakDetection: { thresholdMs: 1000 } })
  instrument(manager, { meterProvider: provider })
  const lease = await manager.acquire()
  await clock.advance(5000)
  const leaking = await collect()
  expect(leaking.value('connmgr.leak.active')).toBe(1)
  expect(leaking.value('connmgr.leak.detected')).toBe(1)
  lease.release()
  const after = await collect()
  expect(after.value('connmgr.leak.active')).toBe(0)
  expect(after.value('connmgr.leak.detected')).toBe(1)
  await close()
})

test('a change of the writer is counted, and each server is shown once, in its role', async () => {
  const { collect, provider } = meterProvider()
  const { clock, close, driver, manager } = fakeManager({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
  })
  driver.server('b').role = 'standby'
  instrument(manager, { meterProvider: provider })
  await manager.start()
  await clock.settle()
  const up = (of: Awaited<ReturnType<typeof collect>>, address: string) =>
    of
      .series('connmgr.endpoint.up', { 'server.address': address })
      .filter(({ value }) => value !== 0)
      .map(({ attributes }) => attributes['connmgr.role'])
  const before = await collect()
  expect([up(before, 'a'), up(before, 'b')]).toEqual([['primary'], ['standby']])
  expect(before.value('connmgr.pool.writable')).toBe(1)
  driver.server('a').crash()
  driver.server('b').role = 'primary'
  driver.server('b').timeline = 2
  await clock.advance(60_000)
  const after = await collect()
  expect([up(after, 'a'), up(after, 'b')]).toEqual([[], ['primary']])
  expect(after.value('connmgr.failover', { 'connmgr.reason': 'failover' })).toBe(1)
  expect(after.value('connmgr.failover.duration', { 'connmgr.reason': 'failover' })).toBe(1)
  expect(
    after.value('connmgr.health.check.duration', { 'connmgr.result': 'failed' }),
  ).toBeGreaterThan(0)
  await close()
})

test('a function that throws hides no other managers', async () => {
  const errors: unknown[] = []
  const ignore = () => {}
  diag.setLogger(
    {
      error: (...all) => errors.push(all),
      warn: ignore,
      info: ignore,
      debug: ignore,
      verbose: ignore,
    },
    DiagLogLevel.ERROR,
  )
  const { collect, provider } = meterProvider()
  const { close, manager } = fakeManager()
  let broken = false
  instrument(
    () => {
      if (broken) throw new Error('no list')
      return []
    },
    { meterProvider: provider },
  )
  instrument(manager, { meterProvider: provider })
  broken = true
  expect((await collect()).value('connmgr.pool.open')).toBe(1)
  expect(errors).toHaveLength(1)
  diag.disable()
  await close()
})

test('without an SDK that has started, a warning says so', async () => {
  const warnings: string[] = []
  const ignore = () => {}
  diag.setLogger(
    {
      error: ignore,
      warn: (text) => warnings.push(text),
      info: ignore,
      debug: ignore,
      verbose: ignore,
    },
    DiagLogLevel.WARN,
  )
  const { close, manager } = fakeManager()
  instrument(manager)()
  expect(warnings).toEqual([expect.stringContaining('start the SDK first')])
  const { collect, provider } = meterProvider()
  metrics.setGlobalMeterProvider(provider)
  instrument(manager)
  expect((await collect()).value('connmgr.pool.open')).toBe(1)
  expect(warnings).toHaveLength(1)
  metrics.disable()
  diag.disable()
  await close()
})

describe('refuses', () => {
  test.each([
    [null, /"managers" must be a connection manager.*null/],
    ['postgresql://ada:secret@db/shop', /contains postgresql:/],
    [[{}], /an object of class Object/],
  ])('managers %p', (managers, message) => {
    const call = () => instrument(managers as never)
    expect(call).toThrow(message)
    expect(call).not.toThrow(/secret/)
  })

  test.each([
    [{ meterProvider: {} }, /"meterProvider" must be a MeterProvider/],
    [{ operationDuration: 1 }, /"operationDuration" must be true or false/],
    [{ meterprovider: undefined }, /did you mean "meterProvider"/],
  ])('options %p', (options, message) => {
    expect(() => instrument([], options as never)).toThrow(message)
  })
})
