import { close, endpointOf, type Harness, type HarnessOptions, manage } from '../../test/harness.js'

/** Two independent servers `a` and `b`, of which the first healthy one serves. */
function ordered(options: HarnessOptions = {}): Harness {
  return manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    ...options,
    failover: {
      mode: 'ordered',
      failbackStableMs: 5000,
      failbackSuccesses: 3,
      ...options.failover,
    },
    prepare: (driver) => {
      driver.server('b').cluster = 'system-2'
      options.prepare?.(driver)
    },
  })
}

describe('failover between independent servers, in order', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
  })

  test('the first healthy one serves, and callers return to an earlier one once it is trusted again', async () => {
    h = ordered()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(200)
    expect(await endpointOf(h)).toBe('b')
    expect(h.manager.getFailoverStatus()).toMatchObject({
      mode: 'ordered',
      failovers: 1,
      state: 'STEADY',
    })
    h.driver.server('a').start()
    await h.clock.advance(3000)
    expect(await endpointOf(h)).toBe('b')
    await h.clock.advance(4000)
    expect(await endpointOf(h)).toBe('a')
    expect(h.manager.getFailoverStatus()).toMatchObject({ failbacks: 1 })
    expect(h.of('failbackCompleted')).toMatchObject([{ endpoint: 'a', from: 'b' }])
  })

  test('one broken connection is no reason to leave', async () => {
    h = ordered()
    const lease = await h.manager.acquire()
    lease.connection.lose()
    await h.clock.advance(1000)
    expect(h.manager.getFailoverStatus()).toMatchObject({ activeEndpoint: 'a', failovers: 0 })
    lease.release()
  })

  test('without autoFailback callers stay where they are', async () => {
    h = ordered({ failover: { autoFailback: false } })
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(200)
    h.driver.server('a').start()
    await h.clock.advance(60_000)
    expect(await endpointOf(h)).toBe('b')
  })

  test('a server that flaps must be stable for longer each time', async () => {
    h = ordered()
    expect(await endpointOf(h)).toBe('a')
    const stableFor: number[] = []
    for (let i = 0; i < 3; i += 1) {
      h.driver.server('a').crash()
      await h.clock.advance(200)
      h.driver.server('a').start()
      const startedAt = h.clock.now()
      const before = h.of('failbackCompleted').length
      while (h.of('failbackCompleted').length === before) await h.clock.advance(250)
      stableFor.push(h.clock.now() - startedAt)
    }
    expect(stableFor[1]).toBeGreaterThan((stableFor[0] as number) * 1.6)
    expect(stableFor[2]).toBeGreaterThan((stableFor[1] as number) * 1.6)
  })

  test('failover(to) moves on request and stays until asked back', async () => {
    h = ordered()
    expect(await endpointOf(h)).toBe('a')
    await h.manager.failover('b')
    await h.clock.advance(60_000)
    expect(await endpointOf(h)).toBe('b')
    expect(h.manager.getFailoverStatus()).toMatchObject({ switchovers: 1, failovers: 0 })
    await h.manager.failover('a')
    expect(await endpointOf(h)).toBe('a')
    expect(h.manager.getFailoverStatus()).toMatchObject({ failbacks: 1 })
  })

  test('failover(to) a server that is down is refused', async () => {
    h = ordered()
    expect(await endpointOf(h)).toBe('a')
    h.driver.server('b').crash()
    await h.clock.advance(1000)
    await expect(h.manager.failover('b')).rejects.toMatchObject({ code: 'CONNMGR_FAILOVER_FAILED' })
    expect(await endpointOf(h)).toBe('a')
  })

  test('the first server is down at the start: the second serves', async () => {
    h = ordered({ prepare: (driver) => driver.server('a').crash() })
    const acquiring = h.manager.acquire()
    await h.clock.advance(500)
    const lease = await acquiring
    expect(lease.endpoint.id).toBe('b')
    lease.release()
  })
})
