import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'

describe('sizing', () => {
  let h: Harness
  afterEach(() => close(h))

  test('an idle connection is reused before one is opened', async () => {
    h = manage({ poolSize: 5 })
    const first = await h.manager.acquire()
    first.release()
    const second = await h.manager.acquire()
    expect(second.connectionId).toBe(first.connectionId)
    second.release()
    expect(h.driver.count('connect')).toBe(1)
  })

  test('creates never exceed size + overflow, however many ask', async () => {
    h = manage({ poolSize: 2, maxOverflow: 3, connectConcurrency: 100 })
    h.driver.always('connect', { afterMs: 10 })
    const acquiring = Array.from({ length: 50 }, () => h.manager.acquire())
    for (const each of acquiring)
      each.then((lease) => h.clock.setTimeout(() => lease.release(), 5)).catch(() => {})
    await h.clock.advance(1000)
    await Promise.all(acquiring)
    expect(h.driver.mostOpen).toBe(5)
  })

  test('overflow closes on return when no caller waits, the base stays', async () => {
    h = manage({ poolSize: 1, maxOverflow: 2 })
    const leases = await Promise.all([
      h.manager.acquire(),
      h.manager.acquire(),
      h.manager.acquire(),
    ])
    expect(h.manager.getPoolMetrics()).toMatchObject({
      size: 1,
      limit: 3,
      checkedOut: 3,
      overflow: 2,
      utilization: 1,
    })
    for (const lease of leases) lease.release()
    await h.clock.settle()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, checkedIn: 1, overflow: 0 })
    expect(h.of('connectionClosed').map((event) => event.reason)).toEqual(['overflow', 'overflow'])
  })

  test('overflow is handed to a waiter instead of being closed', async () => {
    h = manage({ poolSize: 0, maxOverflow: 1 })
    const first = await h.manager.acquire()
    const second = h.manager.acquire()
    first.release()
    expect((await second).connectionId).toBe(first.connectionId)
    ;(await second).release()
  })

  test('no more connects run at once than connectConcurrency allows', async () => {
    h = manage({ poolSize: 10, connectConcurrency: 2 })
    h.driver.always('connect', { afterMs: 10 })
    const acquiring = Array.from({ length: 6 }, () => h.manager.acquire())
    await h.clock.settle()
    expect(h.driver.connecting).toBe(2)
    await h.clock.advance(100)
    for (const lease of await Promise.all(acquiring)) lease.release()
    expect(h.driver.count('connect')).toBe(6)
  })

  test('a burst whose work drains before its connects finish opens few connections', async () => {
    h = manage({ poolSize: 1, maxOverflow: 49 })
    h.driver.always('connect', { afterMs: 150 })
    const served = Array.from({ length: 50 }, () =>
      h.manager.use(() => new Promise<void>((resolve) => h.clock.setTimeout(resolve, 2))),
    )
    await h.clock.advance(400)
    await Promise.all(served)
    expect(h.driver.count('connect')).toBeLessThanOrEqual(8)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(1)
  })

  test('when the work of a burst drains before its connects finish, at most one surplus connection appears', async () => {
    h = manage({ poolSize: 5, maxOverflow: 45 })
    h.driver.always('connect', { afterMs: 150 })
    const warm = h.manager.warmUp()
    await h.clock.advance(400)
    await warm
    const served = Array.from({ length: 50 }, () =>
      h.manager.use(() => new Promise<void>((resolve) => h.clock.setTimeout(resolve, 2))),
    )
    await h.clock.advance(400)
    await Promise.all(served)
    expect(h.driver.count('connect')).toBe(6)
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedIn: 5, overflow: 0 })
  })

  test('a burst that does not drain gets all connections, opened side by side', async () => {
    h = manage({ poolSize: 5, maxOverflow: 5, connectConcurrency: 5 })
    h.driver.always('connect', { afterMs: 100 })
    const warm = h.manager.warmUp()
    await h.clock.advance(300)
    await warm
    const acquiring = Array.from({ length: 10 }, () => h.manager.acquire())
    await h.clock.advance(101)
    expect(h.driver.connecting).toBe(4)
    await h.clock.advance(100)
    for (const lease of await Promise.all(acquiring)) lease.release()
    expect(h.driver.count('connect')).toBe(10)
  })

  test('minIdle is filled eagerly and refilled after an eviction', async () => {
    h = manage({ poolSize: 3, minIdle: 2 })
    await h.clock.settle()
    expect(h.manager.getPoolMetrics().checkedIn).toBe(2)
    const [lost] = h.driver.open
    lost?.lose()
    await h.clock.advance(2000)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(2)
    expect(h.driver.open).not.toContain(lost)
  })

  test('warmUp resolves when the connections are there, and fails when they cannot be', async () => {
    h = manage({ poolSize: 3 })
    await h.manager.warmUp()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedIn: 3, checkedOut: 0 })
    h.manager.clear()
    h.driver.always('connect', { fail: 'unreachable' })
    const warming = expectLater(h.manager.warmUp(2))
    await h.clock.advance(31_000)
    await expect(warming).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
    })
  })

  test('shrinking while borrowed closes the surplus on return', async () => {
    h = manage({ poolSize: 4, maxOverflow: 0 })
    const leases = await Promise.all(Array.from({ length: 4 }, () => h.manager.acquire()))
    h.manager.resize({ poolSize: 1 })
    expect(h.manager.getPoolMetrics()).toMatchObject({ size: 1, limit: 1, checkedOut: 4 })
    for (const lease of leases) lease.release()
    await h.clock.settle()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedIn: 1, checkedOut: 0 })
  })

  test('shrinking closes the surplus on return although others wait', async () => {
    h = manage({ poolSize: 2, maxOverflow: 0 })
    const [first, second] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    const waiting = h.manager.acquire()
    h.manager.resize({ poolSize: 1 })
    first?.release()
    expect(await h.outcome(waiting)).toBe('pending')
    expect(h.manager.getCounts()).toMatchObject({ total: 1, inUse: 1, waiting: 1 })
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'overflow' }])
    second?.release()
    expect((await waiting).connectionId).toBe(second?.connectionId)
    ;(await waiting).release()
  })

  test('growing serves those who wait', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    const first = await h.manager.acquire()
    const second = h.manager.acquire()
    expect(await h.outcome(second)).toBe('pending')
    h.manager.resize({ poolSize: 2 })
    ;(await second).release()
    first.release()
  })

  test('resize refuses a size that makes no sense', () => {
    h = manage()
    expect(() => h.manager.resize({ poolSize: -1 })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
    )
  })

  test('shrinking closes the idle surplus at once, and is reported', async () => {
    h = manage({ poolSize: 4, maxOverflow: 0 })
    await h.manager.warmUp()
    h.manager.resize({ poolSize: 2 })
    expect(h.manager.getCounts()).toMatchObject({ total: 2, idle: 2, limit: 2 })
    expect(h.of('connectionClosed').map((event) => event.reason)).toEqual(['overflow', 'overflow'])
    expect(h.of('poolResized')).toEqual([
      { type: 'poolResized', pool: 'fake', endpoint: 'a', poolSize: 2, maxOverflow: 0 },
    ])
  })

  test('the room for overflow can be changed alone', async () => {
    h = manage({ poolSize: 2, maxOverflow: 0 })
    h.manager.resize({ maxOverflow: 3 })
    expect(h.manager.getPoolMetrics()).toMatchObject({ size: 2, limit: 5 })
    h.manager.resize({ poolSize: 1 })
    expect(h.manager.getPoolMetrics()).toMatchObject({ size: 1, limit: 4 })
  })

  test('warmUp opens as many as are kept, or as are asked for, but never more than there is room for', async () => {
    h = manage({ poolSize: 3, maxOverflow: 1 })
    await h.manager.warmUp()
    expect(h.driver.count('connect')).toBe(3)
    await h.manager.warmUp(100)
    expect(h.driver.count('connect')).toBe(4)
  })

  test('what warmUp holds meanwhile is named', async () => {
    h = manage({ poolSize: 2 })
    h.driver.next('connect', 'succeed', { afterMs: 50 })
    const warming = h.manager.warmUp()
    await h.clock.advance(10)
    expect(h.manager.getHolders()).toMatchObject([{ label: 'warmUp' }])
    await h.clock.advance(50)
    await warming
  })

  test('a reserve is refilled as soon as one of it is evicted', async () => {
    h = manage({ poolSize: 2, minIdle: 1 })
    const lease = await h.manager.acquire()
    const { connection } = lease
    lease.release()
    h.manager.evict(lease.connectionId)
    await h.clock.settle()
    expect(h.driver.open).toHaveLength(1)
    expect(h.driver.open).not.toContain(connection)
  })

  test('a reserve is not opened above poolSize', async () => {
    h = manage({ poolSize: 2, maxOverflow: 5, minIdle: 2 })
    await h.clock.settle()
    const first = await h.manager.acquire()
    await h.clock.settle()
    expect(h.manager.getCounts()).toMatchObject({ total: 2, idle: 1, inUse: 1 })
    first.release()
  })
})

describe('sizing, of a pool by itself', () => {
  test('a caller who takes what was meant for the reserve has another opened at once', async () => {
    const lone = lonePool({ poolSize: 3, minIdle: 1 })
    lone.driver.always('connect', { afterMs: 50 })
    lone.pool.maintain()
    expect(lone.driver.connecting).toBe(1)
    const acquiring = lone.acquire()
    expect(lone.driver.connecting).toBe(2)
    await lone.clock.advance(50)
    expect(lone.pool.counts).toMatchObject({ total: 2, idle: 1, inUse: 1 })
    ;(await acquiring).release()
    await closeLone(lone)
  })

  test('warmUp waits like any caller of any target', async () => {
    const lone = lonePool({ poolSize: 2 })
    lone.pool.serverChanged({ serving: false })
    const warming = lone.pool.warmUp()
    const waiters = lone.pool.queue.extract(({ target }) => target === 'any')
    expect(waiters).toHaveLength(2)
    for (const waiter of waiters) lone.pool.queue.enqueue(waiter)
    lone.pool.serverChanged({ serving: true })
    await warming
    await closeLone(lone)
  })

  test('a reserve lost to idleness is not filled beyond minIdle', async () => {
    const lone = lonePool({ poolSize: 3, minIdle: 1, idleTimeoutMs: 1000 })
    await lone.pool.warmUp()
    await lone.clock.advance(1000)
    lone.pool.maintain()
    await lone.clock.settle()
    expect(lone.pool.counts).toMatchObject({ total: 1, idle: 1, connecting: 0 })
    expect(lone.driver.count('connect')).toBe(3)
    await closeLone(lone)
  })
})
