import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'
import type { Endpoint } from '../driver/contract.js'
import { ConnectionManager } from '../manager.js'

const LOGIN_MS = 10

function slow(driver: FakeDriver, room: number): void {
  for (const id of ['a', 'b']) driver.server(id).room = room
  for (const login of ['connect', 'openProbe'] as const) driver.always(login, { afterMs: LOGIN_MS })
}

describe('with few connections on the server', () => {
  let h: Harness
  afterEach(async () => {
    await close(h)
    expect(h.clock.pendingTimers).toBe(0)
    expect(h.driver.server('a').probes).toBe(0)
  })

  function open(room: number, options: HarnessOptions = {}): void {
    h = manage({
      healthMonitoring: { intervalMs: 100 },
      poolSize: room,
      maxOverflow: 0,
      ...options,
      prepare: (driver) => {
        slow(driver, room)
        options.prepare?.(driver)
      },
    })
  }

  async function started(): Promise<void> {
    const starting = h.manager.start()
    await h.clock.advance(2 * LOGIN_MS)
    await starting
  }

  /** Has caller after caller use a connection; what they waited for it, beyond those before them. */
  async function work(callers: number, heldMs: number, destroy = false): Promise<void> {
    const all = Array.from({ length: callers }, async () => {
      const lease = await h.manager.acquire()
      await new Promise<void>((resolve) => h.clock.setTimeout(resolve, heldMs))
      if (destroy) lease.destroy()
      else lease.release()
    })
    const done = Promise.all(all)
    for (let turn = 0; turn < callers * 3; turn += 1) await h.clock.advance(heldMs + LOGIN_MS)
    await done
  }

  const refusals = (): number => h.of('connectionFailed').length
  const states = (): string[] => h.of('endpointStateChanged').map(({ to }) => to)

  test.each([1, 2])('of %s, callers who come with the manager are not refused', async (room) => {
    open(room)
    await work(room, 50)
    expect(refusals()).toBe(0)
  })

  test.each([1, 2])(
    'of %s, it takes none that queued callers wait for, and finds the server well',
    async (room) => {
      open(room)
      await work(20, 35, true)
      await work(20, 35)
      expect(refusals()).toBeLessThanOrEqual(1)
      const logins = h.driver.count('openProbe')
      const before = refusals()
      await work(20, 35, true)
      expect(refusals()).toBe(before)
      expect(h.driver.count('openProbe') - logins).toBeLessThanOrEqual(
        h.manager.getHealthStats().totalChecks,
      )
      expect(h.manager.getHealthStats()).toMatchObject({ failedChecks: 0 })
      expect(states()).toEqual(['UP'])
      expect(h.manager.getHealthStatus()).toMatchObject({
        status: 'healthy',
        healthCheck: { healthy: true, role: 'primary' },
      })
    },
  )

  test('gives up the session that it had kept when a caller is refused', async () => {
    open(1)
    await started()
    expect(h.driver.server('a').probes).toBe(1)
    const acquiring = h.manager.acquire()
    await h.clock.advance(100)
    ;(await acquiring).release()
    expect(refusals()).toBe(1)
    await h.clock.advance(1000)
    expect(h.driver.server('a').probes).toBe(0)
    expect(h.driver.count('openProbe')).toBe(1)
  })

  test('asks over idle connections from then on, which still close when they are unused', async () => {
    open(1, { idleTimeoutMs: 1000 })
    await started()
    await work(1, 10)
    const before = h.driver.count('ask')
    await h.clock.advance(800)
    expect(h.driver.count('ask') - before).toBeGreaterThanOrEqual(7)
    expect(h.manager.getCounts().total).toBe(1)
    await h.clock.advance(600)
    expect(h.of('connectionClosed').map(({ reason }) => reason)).toContain('idle')
  })

  test('opens one by way of the pool when there is none, which callers get who come meanwhile', async () => {
    open(1, { idleTimeoutMs: 200 })
    await started()
    await work(1, 10)
    await h.clock.advance(1000)
    expect(h.manager.getCounts().total).toBe(0)
    const connects = h.driver.count('connect')
    for (let ms = 0; h.driver.connecting === 0 && ms < 300; ms += 1) await h.clock.advance(1)
    const acquiring = h.manager.acquire()
    await h.clock.advance(LOGIN_MS)
    const lease = await acquiring
    expect(h.driver.count('connect')).toBe(connects + 1)
    lease.release()
    const refused = refusals()
    await h.clock.advance(2000)
    expect(refusals()).toBe(refused)
    expect(h.driver.count('openProbe')).toBe(1)
    expect(h.manager.getHealthStats().failedChecks).toBe(0)
  })

  test('a session that the server ends does not set callers and the monitor against each other', async () => {
    open(1)
    await started()
    await work(1, 10)
    const refused = refusals()
    const lease = await h.manager.acquire()
    const next = h.manager.acquire()
    const [connection] = h.driver.open
    connection?.lose()
    lease.release()
    await h.clock.advance(2 * LOGIN_MS)
    ;(await next).release()
    expect(refusals()).toBe(refused)
    await h.clock.advance(500)
    expect(states().at(-1)).toBe('UP')
  })

  test('that others hold, it says so, and serves callers as soon as there is room', async () => {
    open(1, { healthMonitoring: { intervalMs: 100, unhealthyAfterMs: 0, healthyAfterMs: 0 } })
    await started()
    await work(1, 10)
    h.manager.clear()
    h.driver.server('a').room = 0
    const acquiring = h.manager.acquire()
    await h.clock.advance(3000)
    expect(h.manager.getHealthStatus()).toMatchObject({
      healthy: false,
      reason: expect.stringContaining('has no connection to spare'),
    })
    h.driver.server('a').room = 1
    await h.clock.advance(500)
    ;(await acquiring).release()
    await h.clock.advance(150)
    expect(h.manager.getHealthStatus()).toMatchObject({ healthy: true, status: 'healthy' })
  })

  test('a server that hangs is found gone all the same', async () => {
    open(1, { healthMonitoring: { intervalMs: 100, timeoutMs: 500 } })
    await started()
    await work(1, 10)
    h.driver.server('a').hang()
    await h.clock.advance(3000)
    expect(states().at(-1)).toBe('DOWN')
  })

  test('ten minutes after the last refusal it opens probes of its own again', async () => {
    open(2, { healthMonitoring: { intervalMs: 60_000 }, poolSize: 5 })
    const leases = await takeAll(3)
    expect(refusals()).toBeGreaterThan(0)
    for (const lease of leases) lease.release()
    h.driver.server('a').room = 10
    await h.clock.advance(540_000)
    const logins = h.driver.count('openProbe')
    await h.clock.advance(180_000)
    expect(h.driver.count('openProbe')).toBeGreaterThan(logins)
  })

  async function takeAll(wanted: number) {
    const acquiring = Array.from({ length: wanted }, () =>
      expectLater(h.manager.acquire({ timeoutMs: 500 })),
    )
    await h.clock.advance(600)
    const settled = await Promise.allSettled(acquiring)
    return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  describe('and several servers', () => {
    const several = (room: number, options: HarnessOptions = {}): void =>
      open(room, {
        endpoints: ['a', 'b'],
        healthMonitoring: true,
        ...options,
        prepare: (driver) => {
          driver.server('b').room = 10
          driver.server('b').role = 'standby'
          driver.server('b').writable = false
        },
      })

    test('callers get the connection that the monitor had, and the writer is watched over it', async () => {
      several(1)
      await work(10, 30)
      expect(refusals()).toBeLessThanOrEqual(1)
      const refused = refusals()
      await work(20, 300, true)
      expect(refusals()).toBe(refused)
      expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', activeEndpoint: 'a' })
      expect(h.of('failoverStarted')).toEqual([])
      expect(h.of('loginsFailed')).toEqual([])
      // Callers use no connection to the standby.
      expect(h.driver.server('b').probes).toBe(1)
    })

    test.each([
      ['crash', 'idle', 1000],
      ['crash', 'lent', 1000],
      ['hang', 'idle', 1010],
      // Nothing but a login can ask.
      ['hang', 'lent', 1400],
    ] as const)(
      'a %s of the writer is found whose connection is %s',
      async (event, use, withinMs) => {
        several(1)
        await work(3, 30)
        expect(h.driver.server('a').probes).toBe(0)
        if (use === 'lent') await h.manager.acquire()
        h.driver.server('a')[event]()
        await h.clock.advance(withinMs)
        expect(states().at(-1)).toBe('DOWN')
        h.driver.server('b').role = 'primary'
        h.driver.server('b').writable = true
        h.driver.server('b').timeline = 2
        await h.clock.advance(200)
        const acquiring = h.manager.acquire()
        await h.clock.advance(50)
        const lease = await acquiring
        expect(lease.endpoint.id).toBe('b')
        lease.release()
      },
    )

    test('a standby with room for the monitor alone is never without', async () => {
      several(1)
      h.driver.server('b').room = 1
      await work(3, 30)
      await h.clock.advance(30_000)
      expect(h.of('endpointStateChanged').map(({ to }) => to)).toEqual(['UP', 'UP'])
      expect(h.of('loginsFailed')).toEqual([])
    })

    const checksOf = (id: string) =>
      h.manager.getHealthHistory().filter(({ endpoint }) => endpoint === id)
    const promoteOther = (): void => {
      Object.assign(h.driver.server('b'), { role: 'primary', writable: true, timeline: 2 })
    }

    test('a writer that refuses writes is seen while its connections are always lent', async () => {
      several(1)
      await work(3, 30)
      h.driver.server('a').writable = false
      // Each caller has the connection as soon as the one before gives it back.
      const working = work(400, 30)
      let waiting = 0
      for (let ms = 0; ms < 10_000 && h.of('failoverStarted').length === 0; ms += 10) {
        ;({ waiting } = h.manager.getPoolMetrics())
        await h.clock.advance(10)
      }
      expect(waiting).toBeGreaterThan(0)
      promoteOther()
      await working
      expect(h.manager.getFailoverStatus().activeEndpoint).toBe('b')
    })

    test('what users of the pool have taken from its session is not taken for what the server keeps', async () => {
      several(1)
      const ask = h.driver.ask.bind(h.driver)
      const missing = [{ name: 'pg_control_system()', turnsOff: 'the identity of the cluster' }]
      h.driver.ask = async (connection) => ({
        ...(await ask(connection)),
        cluster: undefined,
        missing,
      })
      await work(10, 30)
      await h.clock.advance(2000)
      h.driver.server('a').room = 2
      await h.clock.advance(2000)
      expect(checksOf('a').every(({ healthy }) => healthy)).toBe(true)
      expect(h.manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', activeEndpoint: 'a' })
      expect(h.manager.getFailoverStatus().endpoints[0]?.missingRights).toEqual([])
    })

    test('a check that finds no room, and no connection to ask over, says so', async () => {
      several(1)
      await work(3, 30)
      const lease = await h.manager.acquire()
      await h.clock.advance(2000)
      expect(checksOf('a').at(-1)).toMatchObject({ healthy: true, refused: true, role: 'primary' })
      lease.release()
      await h.clock.advance(1000)
      expect(checksOf('a').at(-1)).toMatchObject({ healthy: true })
      expect(checksOf('a').at(-1)).not.toHaveProperty('refused')
    })

    test('a demotion is seen over a connection of the pool', async () => {
      several(1)
      await work(3, 30)
      h.driver.server('a').role = 'standby'
      h.driver.server('a').writable = false
      h.driver.server('b').role = 'primary'
      h.driver.server('b').writable = true
      h.driver.server('b').timeline = 2
      await h.clock.advance(1500)
      expect(h.manager.getFailoverStatus().activeEndpoint).toBe('b')
    })
  })
})

describe('managers that watch a server with few connections together', () => {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock, shareProbes: true })
  const endpointOf = (database: string): Endpoint => {
    const endpoint = { ...fakeEndpoint('a'), database }
    return Object.defineProperty(endpoint, 'config', { value: {} }) as Endpoint
  }
  const create = (database: string): ConnectionManager<FakeConnection> =>
    new ConnectionManager<FakeConnection>({
      driver,
      endpoints: [endpointOf(database)],
      options: { clock, logger: false, healthMonitoring: { intervalMs: 100 } },
    })

  test('take none that a caller of any of them waits for', async () => {
    slow(driver, 1)
    const [one, other] = [create('one'), create('other')]
    await clock.advance(500)
    let refused = 0
    one.on('connectionFailed', () => {
      refused += 1
    })
    for (let turn = 0; turn < 30; turn += 1) {
      const acquiring = one.acquire()
      await clock.advance(100)
      ;(await acquiring).destroy()
    }
    expect(refused).toBeLessThanOrEqual(1)
    expect(one.getHealthStatus()).toMatchObject({
      status: 'healthy',
      healthStats: { failedChecks: 0 },
    })
    // While the first has the only connection, the second has none.
    for (const each of other.getHealthHistory())
      if (!each.healthy) expect(each.error?.message).toBe('busy')
    const closing = Promise.all([one.close(), other.close()])
    await clock.advance(2000)
    await closing
    expect(clock.pendingTimers).toBe(0)
  })
})
