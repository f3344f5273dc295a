import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
  stateOf,
} from '../../test/harness.js'

/** What the README promises for a server that falls silent, with the defaults. */
const LONGEST_MS = 1000

function watched(options: HarnessOptions = {}): Harness {
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

/** Lets time pass until the endpoint is down; returns how long that took. */
async function untilDown(h: Harness, id: string): Promise<number> {
  const from = h.clock.now()
  while (stateOf(h, id) !== 'DOWN' && h.clock.now() - from < 10_000) await h.clock.advance(5)
  return h.clock.now() - from
}

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

describe('a server that falls silent', () => {
  test.each([0, 1, 50, 137, 250, 333, 450, 499])(
    'is down within a second when it began %d ms after a probe, and everything that hung on it is rejected',
    async (delayMs) => {
      h = watched()
      const lease = await h.manager.acquire()
      await h.clock.advance(1100)
      const probes = h.driver.count('probe')
      while (h.driver.count('probe') < probes + 2) await h.clock.advance(1)
      await h.clock.advance(delayMs)
      h.driver.server('a').hang()
      const hanging = expectLater(lease.connection.query('insert'))
      expect(await untilDown(h, 'a')).toBeLessThanOrEqual(LONGEST_MS + 10)
      await expect(hanging).rejects.toBeDefined()
      expect(h.driver.server('a').connections).toEqual([])
      lease.release()
    },
  )

  test('in the middle of a probe is down within a second', async () => {
    h = watched()
    ;(await h.manager.acquire()).release()
    h.driver.always('probe', { afterMs: 20 })
    await h.clock.advance(1000)
    const probes = h.driver.count('probe')
    while (h.driver.count('probe') < probes + 2) await h.clock.advance(1)
    h.driver.server('a').hang()
    expect(await untilDown(h, 'a')).toBeLessThanOrEqual(LONGEST_MS + 10)
  })

  test('for less than two deadlines keeps its connections, and its queries go on', async () => {
    h = watched()
    const lease = await h.manager.acquire()
    await h.clock.advance(400)
    h.driver.server('a').hang()
    const query = expectLater(lease.connection.query('insert'))
    while (stateOf(h, 'a') !== 'SUSPECT') await h.clock.advance(5)
    await h.clock.advance(100)
    h.driver.server('a').resume()
    await query
    await h.clock.advance(100)
    expect(stateOf(h, 'a')).toBe('UP')
    lease.release()
    expect(h.of('endpointStateChanged').map((event) => event.to)).not.toContain('DOWN')
  })

  test('towards its probes alone is not down: its other connections bring answers', async () => {
    h = watched()
    const lease = await h.manager.acquire()
    h.driver.always('probe', ({ endpoint }) => (endpoint.id === 'a' ? 'hang' : 'succeed'))
    const { activity } = lease.connection
    for (let i = 0; i < 200; i += 1) {
      activity.received += 1
      await h.clock.advance(25)
    }
    expect(h.of('endpointStateChanged').map((event) => event.to)).not.toContain('DOWN')
    expect(await untilDown(h, 'a')).toBeLessThanOrEqual(LONGEST_MS + 10)
    lease.release()
  })

  test('delays no caller of another', async () => {
    h = watched()
    ;(await h.manager.acquire()).release()
    h.driver.server('b').hang()
    for (let i = 0; i < 100; i += 1) {
      const lease = h.manager.acquire()
      expect(await h.outcome(lease)).toBe('resolved')
      ;(await lease).release()
      await h.clock.advance(20)
    }
    expect(stateOf(h, 'b')).toBe('DOWN')
  })

  test('from the start on delays the first caller by one deadline, not by that of its connect', async () => {
    h = watched()
    h.driver.server('b').hang()
    const lease = h.manager.acquire()
    await h.clock.advance(260)
    expect((await lease).endpoint.id).toBe('a')
    ;(await lease).release()
  })

  test('a single server too has its hung connections destroyed when it is down', async () => {
    h = manage({ healthMonitoring: { intervalMs: 1000, timeoutMs: 500 } })
    const lease = await h.manager.acquire()
    h.driver.server('a').hang()
    const hanging = expectLater(lease.connection.query('select'))
    await untilDown(h, 'a')
    await expect(hanging).rejects.toBeDefined()
    lease.release()
  })
})

describe('a single server, which is probed once a minute', () => {
  test('is probed at once when statements run and nothing comes from it, and what hangs is rejected', async () => {
    h = manage({ healthMonitoring: true })
    const lease = await h.manager.acquire()
    await h.clock.advance(5000)
    h.driver.server('a').hang()
    const hanging = expectLater(lease.connection.query('select'))
    await h.clock.advance(14_000)
    await expect(hanging).rejects.toBeDefined()
    expect(stateOf(h, 'a')).toBe('DOWN')
    lease.release()
    h.driver.server('a').resume()
    const next = h.manager.acquire()
    await h.clock.advance(1000)
    ;(await next).release()
  })

  test('that thinks for long stays in use', async () => {
    h = manage({ healthMonitoring: true })
    const lease = await h.manager.acquire()
    h.driver.next('query', { afterMs: 30_000 })
    const thinking = lease.connection.query('select')
    await h.clock.advance(31_000)
    await thinking
    lease.release()
    expect(h.of('endpointStateChanged').map((event) => event.to)).toEqual(['UP'])
  })

  test('is left alone while nothing runs, and while answers come', async () => {
    h = manage({ healthMonitoring: true })
    const lease = await h.manager.acquire()
    for (let i = 0; i < 50; i += 1) {
      h.driver.next('query', { afterMs: 900 })
      const running = lease.connection.query('select')
      await h.clock.advance(1000)
      await running
    }
    lease.release()
    await h.clock.advance(50_000)
    expect(h.driver.count('probe')).toBeLessThanOrEqual(3)
  })
})

describe('time in which this process does not run', () => {
  test('a block of three seconds in the middle of a probe makes no server look dead', async () => {
    h = watched()
    ;(await h.manager.acquire()).release()
    for (const offsetMs of [1, 100, 249, 300, 499]) {
      h.driver.next('probe', { afterMs: 10 }, { afterMs: 10 })
      const probes = h.driver.count('probe')
      while (h.driver.count('probe') < probes + 2) await h.clock.advance(1)
      await h.clock.advance(offsetMs % 10)
      h.clock.stall(3000)
      await h.clock.advance(offsetMs)
    }
    await h.clock.advance(1000)
    expect(h.of('failoverStarted')).toEqual([])
    expect(h.of('endpointStateChanged').map((event) => event.to)).not.toContain('DOWN')
  })

  test('after a long suspension a connection is asked before it is lent', async () => {
    h = watched({ prePing: true, prePingBypassMs: 3_600_000 })
    const lease = await h.manager.acquire()
    const { connection } = lease
    lease.release()
    await h.clock.advance(200)
    expect(h.driver.count('validate')).toBe(0)
    h.clock.stall(600_000)
    // A server that died meanwhile has closed no connection.
    h.driver.next('validate', { fail: 'lost' })
    await h.clock.advance(150)
    const next = h.manager.acquire()
    await h.clock.advance(100)
    expect((await next).connection).not.toBe(connection)
    expect(h.driver.count('validate')).toBe(1)
    ;(await next).release()
  })
})
