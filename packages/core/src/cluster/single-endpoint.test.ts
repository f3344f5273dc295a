import { close, endpointOf, type Harness, manage } from '../../test/harness.js'

describe('a single endpoint', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('serves every target, whatever its role', async () => {
    h = manage({
      healthMonitoring: true,
      prepare: (driver) => {
        driver.server('a').role = 'standby'
      },
    })
    for (const target of ['primary', 'standby', 'prefer-standby', 'any'] as const) {
      expect(await endpointOf(h, target)).toBe('a')
    }
    await expect(h.manager.failover()).rejects.toMatchObject({
      message: expect.stringContaining('failoverUrls'),
    })
  })

  test('goes down and comes back without a restart, and says so', async () => {
    h = manage({ healthMonitoring: { intervalMs: 1000 } })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(3000)
    expect(h.manager.getFailoverStatus().state).toBe('ALL_DOWN')
    // What may be over in a moment does not show.
    expect(h.manager.getHealthStatus().healthy).toBe(true)
    await h.clock.advance(5000)
    expect(h.manager.getHealthStatus().healthy).toBe(false)
    h.driver.server('a').start()
    await h.clock.advance(3000)
    expect(h.of('healthRecovered')).toHaveLength(1)
    expect(h.manager.getHealthStatus()).toMatchObject({
      healthy: true,
      failoverStats: { state: 'STEADY' },
    })
    expect(await endpointOf(h)).toBe('a')
  })
})
