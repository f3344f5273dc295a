import { close, type Harness, manage } from '../../test/harness.js'

describe('health monitoring', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('checks in the background at its interval, over a connection of its own', async () => {
    h = manage({ healthMonitoring: { intervalMs: 1000 } })
    await h.manager.start()
    await h.clock.advance(10_000)
    const { totalChecks, healthyChecks, failedChecks, successRate } = h.manager.getHealthStats()
    expect(totalChecks).toBeGreaterThanOrEqual(9)
    expect(totalChecks).toBeLessThanOrEqual(13)
    expect({ healthyChecks, failedChecks, successRate }).toEqual({
      healthyChecks: totalChecks,
      failedChecks: 0,
      successRate: 1,
    })
    expect(h.driver.count('openProbe')).toBe(1)
    expect(h.driver.count('connect')).toBe(0)
  })

  test('keeps the latest checks, with the state of the pool in each', async () => {
    h = manage({ healthMonitoring: { intervalMs: 100, history: 5 } })
    const lease = await h.manager.acquire()
    await h.clock.advance(3000)
    const history = h.manager.getHealthHistory()
    expect(history).toHaveLength(5)
    expect(history.at(-1)).toMatchObject({
      endpoint: 'a',
      healthy: true,
      role: 'primary',
      at: expect.any(Date),
      responseTimeMs: expect.any(Number),
      pool: { inUse: 1, total: 1 },
    })
    lease.release()
  })

  test('the default history holds 100 checks', async () => {
    h = manage({ healthMonitoring: { intervalMs: 10 } })
    await h.manager.start()
    await h.clock.advance(3000)
    expect(h.manager.getHealthHistory()).toHaveLength(100)
    expect(h.manager.getHealthStats().totalChecks).toBeGreaterThan(150)
  })

  test('averages the response time of the checks that succeeded', async () => {
    h = manage({ healthMonitoring: false })
    h.driver.next('probe', { afterMs: 10 }, { afterMs: 30 })
    for (let i = 0; i < 2; i += 1) {
      const checking = h.manager.checkHealth()
      await h.clock.advance(50)
      await checking
    }
    expect(h.manager.getHealthStats().avgResponseTimeMs).toBeCloseTo(20)
  })

  test('a check that does not answer in time is a failed one', async () => {
    h = manage({ healthMonitoring: { intervalMs: 60_000, timeoutMs: 300 } })
    await h.manager.start()
    h.driver.server('a').hang()
    const checking = h.manager.checkHealth()
    await h.clock.advance(350)
    expect(await checking).toMatchObject({
      healthy: false,
      error: { message: expect.stringContaining('300 ms') },
    })
    expect(h.manager.getHealthStats()).toMatchObject({ failedChecks: 1, successRate: 0.5 })
  })

  test('a failing server is asked again soon, then less and less often', async () => {
    h = manage({
      healthMonitoring: { intervalMs: 60_000 },
      prepare: (driver) => driver.server('a').crash(),
    })
    await h.manager.start()
    await h.clock.advance(5000)
    const inFirst = h.manager.getHealthStats().totalChecks
    await h.clock.advance(5000)
    const inSecond = h.manager.getHealthStats().totalChecks - inFirst
    expect(inFirst).toBeGreaterThanOrEqual(4)
    expect(inSecond).toBeLessThan(inFirst)
  })

  test('checkHealth works without background checks, which can be started and stopped', async () => {
    h = manage({ healthMonitoring: false })
    expect(await h.manager.checkHealth()).toMatchObject({ healthy: true, endpoint: 'a' })
    await h.clock.advance(200_000)
    expect(h.manager.getHealthStats().totalChecks).toBe(1)
    await h.manager.startHealthMonitoring()
    await h.clock.advance(200_000)
    const checks = h.manager.getHealthStats().totalChecks
    expect(checks).toBeGreaterThan(3)
    h.manager.stopHealthMonitoring()
    await h.clock.advance(200_000)
    expect(h.manager.getHealthStats().totalChecks).toBe(checks)
  })

  test('after a failure the idle connections are checked before they are lent', async () => {
    h = manage({
      healthMonitoring: { intervalMs: 1000 },
      prePing: true,
      prePingBypassMs: 3_600_000,
    })
    ;(await h.manager.acquire()).release()
    await h.clock.settle()
    h.driver.next('probe', { fail: 'statement' }, { fail: 'statement' })
    await h.clock.advance(1500)
    ;(await h.manager.acquire()).release()
    expect(h.driver.count('validate')).toBe(1)
  })

  test('the whole status is plain data', async () => {
    h = manage({ healthMonitoring: true })
    const lease = await h.manager.acquire()
    const status = h.manager.getHealthStatus()
    expect(Object.keys(status).sort()).toEqual([
      'failoverStats',
      'healthCheck',
      'healthStats',
      'healthy',
      'leakDetection',
      'monitored',
      'poolMetrics',
      'reason',
      'resting',
      'status',
      'unusableForMs',
    ])
    expect(() => JSON.stringify(status)).not.toThrow()
    expect(status.healthy).toBe(true)
    lease.release()
  })
})
