import { close, expectLater, type Harness, manage } from '../../test/harness.js'

describe('a static pool', () => {
  let h: Harness
  afterEach(() => close(h))

  test('has all callers share one connection at the same time', async () => {
    h = manage({ poolMode: 'static' })
    const leases = await Promise.all(Array.from({ length: 5 }, () => h.manager.acquire()))
    expect(new Set(leases.map((lease) => lease.connection)).size).toBe(1)
    expect(h.driver.count('connect')).toBe(1)
    expect(h.manager.getPoolMetrics()).toMatchObject({ limit: 1, totalCheckouts: 5 })
    for (const lease of leases) lease.release()
    expect(h.driver.open).toHaveLength(1)
  })

  test('opens another when the one was lost', async () => {
    h = manage({ poolMode: 'static' })
    const first = await h.manager.acquire()
    first.connection.lose()
    const second = await h.manager.acquire()
    expect(second.connectionId).not.toBe(first.connectionId)
    first.release()
    second.release()
    expect(h.driver.open).toHaveLength(1)
  })

  test('keeps its callers waiting until their deadline while it cannot connect', async () => {
    h = manage({
      poolMode: 'static',
      acquireTimeoutMs: 500,
      prepare: (driver) => driver.always('connect', { fail: 'unreachable' }),
    })
    const failing = expectLater(h.manager.acquire())
    await h.clock.advance(501)
    await expect(failing).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'connect',
    })
  })

  test('reports leaks of each caller', async () => {
    h = manage({ poolMode: 'static', leakDetection: { thresholdMs: 100, captureStack: 'always' } })
    const [a, b] = await Promise.all([
      h.manager.acquire({ label: 'a' }),
      h.manager.acquire({ label: 'b' }),
    ])
    await h.clock.advance(500)
    expect(h.of('leakDetected').map((event) => event.lease.label)).toEqual(['a', 'b'])
    a.release()
    b.release()
    expect(h.of('leakResolved')).toHaveLength(2)
  })

  test('close waits for its callers, then closes the connection', async () => {
    h = manage({ poolMode: 'static' })
    const lease = await h.manager.acquire()
    const closing = h.manager.close({ drainTimeoutMs: 1000 })
    await h.clock.advance(10)
    expect(h.driver.open).toHaveLength(1)
    lease.release()
    await closing
    expect(h.driver.open).toEqual([])
    expect(h.clock.pendingTimers).toBe(0)
  })
})
