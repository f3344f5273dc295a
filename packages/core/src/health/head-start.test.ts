import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'

describe('the first probe of a manager', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  const probes = (): number => h.driver.count('openProbe')
  const acquireFirst = async (options?: HarnessOptions): Promise<void> => {
    h = manage({ healthMonitoring: true, ...options })
    ;(await h.manager.acquire()).release()
  }

  test('leaves the first caller of a single server a head start', async () => {
    await acquireFirst()
    await h.clock.advance(99)
    expect(probes()).toBe(0)
    await h.clock.advance(1)
    expect(probes()).toBe(1)
    expect(h.manager.getHealthStats()).toMatchObject({ totalChecks: 1, healthyChecks: 1 })
  })

  test('comes at once while no caller waits', async () => {
    h = manage({ healthMonitoring: true })
    await h.clock.settle()
    expect(probes()).toBe(1)
  })

  test('comes before the first caller where it decides who takes writes', async () => {
    await acquireFirst({ endpoints: ['a', 'b'] })
    expect(probes()).toBe(2)
  })

  test('comes at once where the monitor is waited for', async () => {
    await acquireFirst()
    await h.manager.start()
    expect(probes()).toBe(1)
  })

  test('comes in time to a server that answers no login', async () => {
    h = manage({
      healthMonitoring: { timeoutMs: 300 },
      prepare: (driver) => driver.server('a').hang(),
    })
    const acquiring = h.manager.acquire({ timeoutMs: 2000 })
    acquiring.catch(() => {})
    await h.clock.advance(401)
    expect(h.manager.getHealthStats()).toMatchObject({ failedChecks: 1 })
    await h.clock.advance(2000)
    await expect(acquiring).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  })

  test('does not come if monitoring has been stopped before, until it is started again', async () => {
    await acquireFirst()
    h.manager.stopHealthMonitoring()
    await h.clock.advance(10_000)
    expect(probes()).toBe(0)
    await h.manager.startHealthMonitoring()
    expect(probes()).toBe(1)
  })

  test('does not come once the manager has been closed', async () => {
    await acquireFirst()
    await close(h)
    expect(probes()).toBe(0)
  })
})
