import { close, type Harness, manage } from '../../test/harness.js'

describe('lifetime', () => {
  let h: Harness
  afterEach(() => close(h))

  test('an expired connection is never lent', async () => {
    h = manage({ maxLifetimeMs: 10_000, lifetimeJitter: 0 })
    const first = await h.manager.acquire()
    first.release()
    await h.clock.advance(9_999)
    // The housekeeper has not been there yet.
    h.clock.stall(2)
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    second.release()
  })

  test('one that expires in use closes on return', async () => {
    h = manage({ maxLifetimeMs: 1000, lifetimeJitter: 0 })
    const lease = await h.manager.acquire()
    await h.clock.advance(2000)
    expect(lease.connection.open).toBe(true)
    lease.release()
    await h.clock.settle()
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lifetime' }])
  })

  test('deaths of connections born together are spread', async () => {
    h = manage({ poolSize: 10, maxLifetimeMs: 100_000, lifetimeJitter: 0.2 })
    await h.manager.warmUp()
    await h.clock.advance(101_000)
    const ages = h.of('connectionClosed').map((event) => event.durationMs)
    expect(ages).toHaveLength(10)
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(80_000)
    expect(Math.max(...ages) - Math.min(...ages)).toBeGreaterThan(5000)
  })

  test('a connection kept in reserve is replaced before it expires', async () => {
    h = manage({ poolSize: 1, minIdle: 1, maxLifetimeMs: 100_000, lifetimeJitter: 0 })
    await h.manager.start()
    await h.clock.settle()
    const [first] = h.driver.open
    let least = Number.POSITIVE_INFINITY
    for (let passed = 0; passed < 101; passed += 1) {
      await h.clock.advance(1000)
      least = Math.min(least, h.manager.getPoolMetrics().checkedIn)
    }
    expect(least).toBe(1)
    expect(h.driver.open).toHaveLength(1)
    expect(h.driver.open).not.toContain(first)
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'lifetime' }])
  })

  test('idle connections close after idleTimeoutMs, down to minIdle', async () => {
    h = manage({ poolSize: 4, minIdle: 1, idleTimeoutMs: 5000 })
    await h.manager.warmUp()
    await h.clock.advance(4000)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(4)
    await h.clock.advance(3000)
    expect(h.manager.getPoolMetrics().checkedIn).toBe(1)
    expect(new Set(h.of('connectionClosed').map((event) => event.reason))).toEqual(
      new Set(['idle']),
    )
  })

  test('maxUses replaces a connection after so many leases', async () => {
    h = manage({ poolSize: 1, maxUses: 2 })
    const ids: number[] = []
    for (let i = 0; i < 4; i += 1) {
      const lease = await h.manager.acquire()
      ids.push(lease.connectionId)
      lease.release()
      await h.clock.settle()
    }
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).toBe(ids[3])
    expect(ids[0]).not.toBe(ids[2])
  })

  test('clear closes idle connections now and lent ones when they come back', async () => {
    h = manage({ poolSize: 2 })
    const [lent, idle] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    idle.release()
    h.manager.clear('rotated credentials')
    await h.clock.settle()
    expect(h.driver.open).toEqual([lent.connection])
    lent.release()
    await h.clock.settle()
    expect(h.driver.open).toEqual([])
    expect(h.of('poolCleared')).toMatchObject([{ reason: 'rotated credentials' }])
  })

  test('a connection that was being opened when the pool was cleared is not lent', async () => {
    h = manage({ poolSize: 1 })
    h.driver.next('connect', { afterMs: 100 })
    const waiting = h.manager.acquire()
    await h.clock.advance(50)
    h.manager.clear()
    await h.clock.advance(100)
    ;(await waiting).release()
    expect(h.driver.count('connect')).toBe(2)
  })

  test('evict closes an idle connection now and a lent one when it comes back', async () => {
    h = manage({ poolSize: 2 })
    const [lent, idle] = await Promise.all([h.manager.acquire(), h.manager.acquire()])
    const idleConnection = idle.connection
    idle.release()
    expect(h.manager.evict(idle.connectionId)).toBe(true)
    expect(h.manager.evict(lent.connectionId)).toBe(true)
    expect(h.manager.evict(-1)).toBe(false)
    await h.clock.settle()
    expect(idleConnection.open).toBe(false)
    const { connection } = lent
    lent.release()
    await h.clock.settle()
    expect(connection.open).toBe(false)
  })

  test('a connection that dies idle is dropped, and one that dies in use frees its slot at once', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0 })
    ;(await h.manager.acquire()).release()
    h.driver.open[0]?.lose()
    expect(h.manager.getPoolMetrics().checkedIn).toBe(0)
    const lent = await h.manager.acquire()
    lent.connection.lose()
    const next = await h.manager.acquire()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 1 })
    lent.release()
    expect(h.manager.getPoolMetrics()).toMatchObject({ checkedOut: 1 })
    next.release()
    expect(h.of('connectionClosed').map((event) => event.reason)).toEqual(['lost', 'lost'])
  })
})
