import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { demandQuantile, demandShare, histogramQuantile } from '../vocabulary/histogram.js'
import { percentilesOf } from '../vocabulary/percentiles.js'

let h: Harness
afterEach(() => close(h))

test('wait, use and create are measured from the start, of each endpoint and of all', async () => {
  h = manage({
    poolSize: 1,
    maxOverflow: 0,
    prepare: (driver) => driver.next('connect', { afterMs: 40 }),
  })
  const connecting = h.manager.acquire()
  await h.clock.advance(40)
  const first = await connecting
  const waiting = h.manager.acquire()
  await h.clock.advance(1000)
  first.release()
  ;(await waiting).release()
  const { create, endpoints, use, wait } = h.manager.getHistograms()
  expect([create.count, create.sumMs]).toEqual([1, 40])
  expect([wait.count, wait.sumMs]).toEqual([2, 1040])
  expect([use.count, use.sumMs]).toEqual([2, 1000])
  expect(histogramQuantile(wait, 1)).toBeGreaterThanOrEqual(1000)
  expect(endpoints).toMatchObject([{ endpoint: 'a', create, use, wait }])
})

test('demand counts connections in use and callers who wait, over time', async () => {
  h = manage({ poolSize: 2, maxOverflow: 0, acquireTimeoutMs: 100 })
  const leases = [await h.manager.acquire(), await h.manager.acquire()]
  const before = h.manager.getHistograms().demand.totalMs
  const third = expectLater(h.manager.acquire())
  await h.clock.advance(100)
  await expect(third).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  await h.clock.advance(50)
  for (const lease of leases) lease.release()
  await h.clock.advance(30)
  const { demand, endpoints } = h.manager.getHistograms()
  expect(demand.totalMs - before).toBe(180)
  const ms = Object.fromEntries(demand.levels.map((each) => [each.connections, each.ms]))
  expect(ms).toMatchObject({ 3: 100, 2: 50 })
  expect(endpoints[0]?.demand.levels).toEqual(demand.levels)
  expect(demandQuantile(demand, 1)).toBe(3)
  expect(demandShare(demand, 3)).toBe(100 / demand.totalMs)
  expect(demandShare(demand, 2)).toBe(150 / demand.totalMs)
  // The third alone had none.
  const { unmetDemand } = h.manager.getHistograms()
  expect(demandShare(unmetDemand, 1)).toBe(100 / unmetDemand.totalMs)
  expect(endpoints[0]?.unmetDemand).toEqual(unmetDemand)
})

test('a caller for whom there is no server is demand of the manager, and of no endpoint', async () => {
  h = manage({ endpoints: ['a', 'b'], failover: { mode: 'ordered' } })
  await h.manager.start()
  h.manager.suspend()
  const waiting = h.manager.acquire()
  await h.clock.advance(70)
  h.manager.resume()
  const lease = await waiting
  await h.clock.advance(5)
  lease.release()
  await h.clock.advance(5)
  const { demand, endpoints, unmetDemand } = h.manager.getHistograms()
  const atOne = (levels: readonly { connections: number; ms: number }[]) =>
    levels.find(({ connections }) => connections === 1)?.ms
  expect(atOne(demand.levels)).toBe(75)
  expect(atOne(endpoints[0]?.demand.levels ?? [])).toBe(5)
  expect(atOne(unmetDemand.levels)).toBe(70)
  expect(endpoints[0]?.unmetDemand.levels.at(-1)?.connections).toBe(0)
  expect(demandQuantile(demand, 1)).toBe(1)
})

test('callers who move between endpoints are counted once', async () => {
  h = manage({ endpoints: ['a', 'b'], failover: { mode: 'ordered' }, poolSize: 1, maxOverflow: 0 })
  await h.manager.start()
  const held = await h.manager.acquire()
  const waiting = expectLater(h.manager.acquire())
  await h.manager.failover('b')
  const moved = await waiting
  held.release()
  moved.release()
  await h.clock.advance(1000)
  const { demand } = h.manager.getHistograms()
  expect(demand.levels.at(-1)?.connections).toBeLessThanOrEqual(2)
  const before = demand.levels.find(({ connections }) => connections === 0)?.ms ?? 0
  await h.clock.advance(1000)
  const after = h.manager.getHistograms().demand.levels.find(({ connections }) => connections === 0)
  expect((after?.ms ?? 0) - before).toBe(1000)
})

test('the usual percentiles are numbers once something has happened, and null before', async () => {
  h = manage({ prepare: (driver) => driver.next('connect', { afterMs: 40 }) })
  expect(percentilesOf(h.manager.getHistograms())).toEqual({
    waitP50Ms: null,
    waitP99Ms: null,
    useP50Ms: null,
    useP99Ms: null,
    createP99Ms: null,
    demandP99: null,
  })
  const connecting = h.manager.acquire()
  await h.clock.advance(40)
  const lease = await connecting
  await h.clock.advance(1000)
  lease.release()
  const { create, demand, use, wait } = h.manager.getHistograms()
  const reported = percentilesOf(h.manager.getHistograms())
  expect(reported).toEqual({
    waitP50Ms: histogramQuantile(wait, 0.5),
    waitP99Ms: histogramQuantile(wait, 0.99),
    useP50Ms: histogramQuantile(use, 0.5),
    useP99Ms: histogramQuantile(use, 0.99),
    createP99Ms: histogramQuantile(create, 0.99),
    demandP99: demandQuantile(demand, 0.99),
  })
  for (const value of Object.values(reported)) expect(value).toBeGreaterThan(0)
})
