import { close, expectLater, type Harness, manage } from '../../test/harness.js'

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

function watched(options: Parameters<typeof manage>[0] = {}): Harness {
  return manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    ...options,
    prepare: (driver) => {
      driver.server('b').role = 'standby'
      driver.server('b').writable = false
    },
  })
}

/** As under a postmaster that is stopped: sessions work, and logins hang. */
function stopPostmaster(): void {
  for (const method of ['openProbe', 'connect'] as const)
    h.driver.always(method, ({ endpoint }) => (endpoint.id === 'a' ? 'hang' : 'succeed'))
}

function continuePostmaster(): void {
  for (const method of ['openProbe', 'connect'] as const) h.driver.always(method, 'succeed')
}

const statusOf = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)

describe('a server whose sessions work while logins fail', () => {
  test('stays in service, and says so once', async () => {
    h = watched()
    const lease = await h.manager.acquire()
    await h.clock.advance(1000)
    stopPostmaster()
    await h.clock.advance(60_000)
    expect(h.of('loginsFailed')).toMatchObject([{ endpoint: 'a' }])
    expect(h.of('endpointStateChanged').filter((event) => event.to !== 'UP')).toEqual([])
    expect(statusOf('a')).toMatchObject({
      state: 'UP',
      active: true,
      loginError: { message: expect.stringContaining('logins to a fail') },
    })
    await lease.connection.query('insert')
    lease.release()
    continuePostmaster()
    await h.clock.advance(3000)
    expect(h.of('loginsRecovered')).toMatchObject([{ endpoint: 'a' }])
    expect(statusOf('a')?.loginError).toBeUndefined()
  })

  test('is asked for one connection at a time, and serves those who waited when it can', async () => {
    h = watched({ poolSize: 5, acquireTimeoutMs: 300_000 })
    const lease = await h.manager.acquire()
    await h.clock.advance(1000)
    stopPostmaster()
    await h.clock.advance(10_000)
    const waiting = Array.from({ length: 5 }, () => h.manager.acquire())
    await h.clock.advance(60_000)
    const attempts = h.driver.callsOf('connect').filter((call) => call.at > 11_000)
    expect(attempts.length).toBeLessThan(15)
    expect(h.driver.connecting).toBeLessThanOrEqual(1)
    expect(h.of('endpointStateChanged').filter((event) => event.to === 'DOWN')).toEqual([])
    continuePostmaster()
    await h.clock.advance(10_000)
    for (const each of waiting) (await each).release()
    lease.release()
  })

  test('is found by a connect that fails, before its turn comes', async () => {
    h = watched({ connectTimeoutMs: 500, failover: { loginProbeMs: 1_000_000 } })
    const lease = await h.manager.acquire()
    await h.clock.advance(1000)
    stopPostmaster()
    const waiting = expectLater(h.manager.acquire({ timeoutMs: 20_000 }))
    await h.clock.advance(5000)
    expect(h.of('loginsFailed')).toHaveLength(1)
    continuePostmaster()
    await h.clock.advance(5000)
    ;(await waiting).release()
    lease.release()
  })

  test('that then goes down is down, and tells nothing of logins any more', async () => {
    h = watched()
    ;(await h.manager.acquire()).release()
    stopPostmaster()
    await h.clock.advance(20_000)
    h.driver.server('a').crash()
    await h.clock.advance(2000)
    expect(statusOf('a')).toMatchObject({ state: 'DOWN', loginError: undefined })
    expect(h.of('loginsRecovered')).toEqual([])
  })
})

test('one login that is lost is not worth telling', async () => {
  h = watched()
  ;(await h.manager.acquire()).release()
  await h.clock.advance(1000)
  h.driver.next('openProbe', 'hang')
  await h.clock.advance(20_000)
  expect(h.of('loginsFailed')).toEqual([])
})

test('a login leaves no session behind, and one that is refused is reported with its reason', async () => {
  h = watched()
  ;(await h.manager.acquire()).release()
  await h.clock.advance(20_000)
  const opened = h.driver.count('openProbe')
  expect(opened).toBeGreaterThan(6)
  expect(h.driver.count('destroyProbe')).toBe(opened - 2)
  h.driver.always('openProbe', { fail: 'setup' })
  await h.clock.advance(10_000)
  expect(h.of('loginsFailed').map((event) => event.endpoint)).toEqual(['a', 'b'])
  expect(statusOf('a')?.state).toBe('UP')
})

test.each([
  ['a single server', { endpoints: ['a'], healthMonitoring: { intervalMs: 1000 } }],
  ['loginProbeMs: 0', { failover: { loginProbeMs: 0 } }],
])('with %s no login serves a probe', async (_what, options) => {
  h = watched(options)
  ;(await h.manager.acquire()).release()
  await h.clock.advance(60_000)
  expect(h.driver.count('openProbe')).toBeLessThanOrEqual(2)
})

describe('a server that refuses logins, and waits for its sessions to end', () => {
  test('gets no new callers; who has a connection may finish, and idle ones go', async () => {
    h = watched({ poolSize: 2 })
    const [busy, idle] = [await h.manager.acquire(), await h.manager.acquire()]
    idle.release()
    await h.clock.advance(1000)
    for (const method of ['openProbe', 'connect'] as const)
      h.driver.always(method, ({ endpoint }) =>
        endpoint.id === 'a' ? { fail: 'starting' } : 'succeed',
      )
    await h.clock.advance(6000)
    expect(statusOf('a')).toMatchObject({ state: 'STARTING', active: false })
    expect(h.of('loginsFailed')).toEqual([])
    expect(h.of('connectionClosed')).toMatchObject([{ connectionId: idle.connectionId }])
    await busy.connection.query('insert')
    busy.release()
    await h.clock.advance(1000)
    expect(h.of('connectionClosed')).toHaveLength(2)
    const server = h.driver.server('b')
    server.role = 'primary'
    server.writable = true
    await h.clock.advance(1000)
    ;(await h.manager.acquire()).release()
    expect(statusOf('b')).toMatchObject({ active: true })
  })
})

test('a driver without probes of its own logs in over ordinary connections, and leaves none open', async () => {
  h = manage({
    endpoints: ['a', 'b'],
    healthMonitoring: true,
    failover: { loginProbeMs: 1000 },
    prepare: (driver) => Object.assign(driver, { replication: undefined }),
  })
  await h.manager.start()
  const before = h.driver.count('connect')
  await h.clock.advance(3000)
  expect(h.driver.count('connect') - before).toBeGreaterThanOrEqual(4)
  // The one that each prober keeps.
  expect(h.driver.open).toHaveLength(2)
})
