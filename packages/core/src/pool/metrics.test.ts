import { combineMetrics, type MeasuredPool, PoolTotals, sumCounts } from './metrics.js'

function pool(given: Partial<MeasuredPool> = {}): MeasuredPool {
  const counts = {
    total: 4,
    idle: 1,
    inUse: 3,
    testing: 0,
    cleaning: 0,
    connecting: 0,
    waiting: 0,
    overflow: 0,
    limit: 6,
  }
  return {
    counts,
    totals: new PoolTotals(),
    size: 5,
    leaks: { detected: 0, active: 0 },
    inService: true,
    ...given,
  }
}

test('the capacity of a pool that serves no caller is no room for others', () => {
  const metrics = combineMetrics([pool(), pool({ inService: false })])
  expect(metrics).toMatchObject({ size: 5, limit: 6, checkedOut: 6, utilization: 1 })
})

test('means are over all leases of all pools, not over the pools', () => {
  const often = Object.assign(new PoolTotals(), {
    checkouts: 3,
    returned: 3,
    heldMs: 30,
    waitedMs: 3,
  })
  const rarely = Object.assign(new PoolTotals(), {
    checkouts: 1,
    returned: 1,
    heldMs: 90,
    waitedMs: 1,
  })
  expect(combineMetrics([pool({ totals: often }), pool({ totals: rarely })])).toMatchObject({
    avgCheckoutTimeMs: 30,
    avgWaitTimeMs: 1,
  })
})

test('without any pool or lease every metric is 0, none is NaN', () => {
  expect(new Set(Object.values(combineMetrics([])))).toEqual(new Set([0]))
})

test('every metric of several pools is the sum of theirs', () => {
  const one = pool({
    counts: {
      total: 1,
      idle: 2,
      inUse: 3,
      testing: 1,
      cleaning: 1,
      connecting: 4,
      waiting: 5,
      overflow: 6,
      limit: 7,
    },
    totals: Object.assign(new PoolTotals(), { created: 8, closed: 9, failedCheckouts: 10 }),
    leaks: { detected: 11, active: 12 },
  })
  expect(combineMetrics([one, one])).toEqual({
    size: 10,
    checkedIn: 4,
    checkedOut: 6,
    overflow: 12,
    totalCheckouts: 0,
    totalConnectionsCreated: 16,
    totalConnectionsClosed: 18,
    leakedConnections: 22,
    activeLeaks: 24,
    failedCheckouts: 20,
    avgCheckoutTimeMs: 0,
    avgWaitTimeMs: 0,
    waiting: 10,
    connecting: 8,
    utilization: 6 / 14,
    limit: 14,
  })
  expect(sumCounts([one.counts, one.counts], 100)).toEqual({
    total: 2,
    idle: 4,
    inUse: 6,
    testing: 2,
    cleaning: 2,
    connecting: 8,
    waiting: 110,
    overflow: 12,
    limit: 14,
  })
})
