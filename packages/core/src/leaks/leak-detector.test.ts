import { runWithContext, runWithOrigin } from '@connmgr/core'
import { close, type Harness, manage } from '../../test/harness.js'

const always = { thresholdMs: 1000, captureStack: 'always' } as const

describe('leak detection', () => {
  let h: Harness
  afterEach(() => close(h))

  async function forgetful() {
    const lease = await h.manager.acquire({ label: 'a label' })
    await lease.connection.query('select secrets')
    return lease
  }

  test('a lease held past the threshold is reported once, with who, what and since when', async () => {
    h = manage({ leakDetection: always })
    const lease = await forgetful()
    await h.clock.advance(10_000)
    const reports = h.of('leakDetected')
    expect(reports).toHaveLength(1)
    expect(reports[0]?.lease).toMatchObject({
      connectionId: lease.connectionId,
      label: 'a label',
      lastQuery: 'select secrets',
      queryCount: 1,
      checkedOutAt: expect.any(Date),
      checkedOutBy: expect.stringMatching(/^forgetful \(.*leak-detector\.test\.ts:\d+:\d+\)$/),
      stack: expect.stringContaining('leak-detector.test.ts'),
    })
    expect(reports[0]?.durationMs).toBeGreaterThanOrEqual(1000)
    expect(h.manager.detectLeaks()).toMatchObject([
      { heldForMs: 10_000, lastQuery: 'select secrets' },
    ])
    expect(h.manager.getPoolMetrics()).toMatchObject({ leakedConnections: 1, activeLeaks: 1 })
    lease.release()
  })

  test('its return resolves the leak', async () => {
    h = manage({ leakDetection: always })
    const lease = await forgetful()
    await h.clock.advance(2000)
    lease.release()
    expect(h.of('leakResolved')).toMatchObject([{ durationMs: 2000, lease: { label: 'a label' } }])
    expect(h.manager.getLeakStats()).toMatchObject({ detected: 1, active: 0, leaks: [] })
  })

  test('a lease returned in time is not reported', async () => {
    h = manage({ leakDetection: always })
    const lease = await forgetful()
    await h.clock.advance(900)
    lease.release()
    await h.clock.advance(5000)
    expect(h.of('leakDetected')).toEqual([])
    expect(h.of('leakResolved')).toEqual([])
  })

  test('what was evicted or lost meanwhile is not reported', async () => {
    h = manage({ leakDetection: always })
    const lease = await forgetful()
    lease.connection.lose()
    await h.clock.advance(5000)
    expect(h.of('leakDetected')).toEqual([])
  })

  test('reclaim destroys the connection, frees its slot and never lends it on', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, leakDetection: { ...always, reclaim: true } })
    const lease = await forgetful()
    const { connection } = lease
    const waiting = h.manager.acquire()
    await h.clock.advance(1500)
    expect((await waiting).connection).not.toBe(connection)
    expect(connection.open).toBe(false)
    expect(h.of('leakDetected')).toMatchObject([{ reclaimed: true }])
    expect(h.of('leakResolved')).toEqual([])
    lease.release()
    ;(await waiting).release()
  })

  test('time in which the process stood still does not make a leak', async () => {
    h = manage({ leakDetection: { ...always, thresholdMs: 2000 } })
    const lease = await forgetful()
    h.clock.stall(5000)
    await h.clock.advance(700)
    expect(h.of('leakDetected')).toEqual([])
    await h.clock.advance(2000)
    expect(h.of('leakDetected')).toHaveLength(1)
    lease.release()
  })

  test('switched off, nothing is captured or reported', async () => {
    h = manage({ leakDetection: false })
    const lease = await forgetful()
    await h.clock.advance(1_000_000)
    expect(h.of('leakDetected')).toEqual([])
    expect(h.manager.getHolders()).toMatchObject([{ stack: undefined, label: 'a label' }])
    expect(h.manager.getLeakStats().enabled).toBe(false)
    lease.release()
  })

  test('adaptive capture spares a healthy pool and catches a filling one', async () => {
    h = manage({
      poolSize: 100,
      maxOverflow: 0,
      connectConcurrency: 100,
      leakDetection: { thresholdMs: 1000 },
    })
    const leases = await Promise.all(Array.from({ length: 100 }, () => h.manager.acquire()))
    const holders = h.manager.getHolders()
    expect(holders.filter((each) => each.stack !== undefined).length).toBeGreaterThanOrEqual(50)
    expect(holders.slice(0, 40).filter((each) => each.stack !== undefined).length).toBeLessThan(5)
    for (const lease of leases) lease.release()
  })

  test('adaptive capture is on for a while after a leak', async () => {
    h = manage({ poolSize: 100, leakDetection: { thresholdMs: 1000 } })
    const leak = await h.manager.acquire()
    await h.clock.advance(2000)
    const next = await h.manager.acquire()
    expect(h.manager.getHolders().at(-1)?.checkedOutBy).toContain('leak-detector.test.ts')
    leak.release()
    next.release()
  })

  test('use and transaction are blamed on their caller too', async () => {
    h = manage({ leakDetection: always })
    let release = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    async function userOfUse() {
      await h.manager.use(() => stuck)
    }
    async function userOfTransaction() {
      await h.manager.transaction(() => stuck)
    }
    const working = [userOfUse(), userOfTransaction()]
    await h.clock.advance(1500)
    expect(h.manager.detectLeaks().map((leak) => leak.checkedOutBy?.split(' ')[0])).toEqual([
      'userOfUse',
      'userOfTransaction',
    ])
    release()
    await Promise.all(working)
  })

  test('a context labels what is acquired in it, and an origin names its caller', async () => {
    h = manage({ leakDetection: always })
    function entryPoint(work: () => Promise<void>) {
      return runWithOrigin(entryPoint, work)
    }
    async function farAway() {
      await Promise.resolve()
      return h.manager.acquire()
    }
    let lease: Awaited<ReturnType<typeof farAway>> | undefined
    async function caller() {
      await runWithContext({ label: 'GET /' }, () =>
        entryPoint(async () => {
          lease = await farAway()
        }),
      )
    }
    await caller()
    expect(h.manager.getHolders()).toMatchObject([
      { label: 'GET /', checkedOutBy: expect.stringMatching(/^caller /) },
    ])
    lease?.release()
  })
})
