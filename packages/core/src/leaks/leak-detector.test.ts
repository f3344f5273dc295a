import { runWithContext } from '@connmgr/core'
import { runWithOrigin } from '@connmgr/core/driver'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'

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

  test('reclaim by request does the same for any lease, once, and names itself to the holder', async () => {
    h = manage({ poolSize: 1, maxOverflow: 0, leakDetection: always })
    const lease = await forgetful()
    const { connection } = lease
    h.driver.next('query', 'hang')
    const running = expectLater(connection.query('select'))
    const waiting = h.manager.acquire()
    expect(h.manager.getHolders()).toMatchObject([{ leaseId: lease.id }])
    expect(h.manager.reclaim(lease.id)).toBe(true)
    expect(connection.open).toBe(false)
    await expect(running).rejects.toBeDefined()
    expect(h.driver.callsOf('destroy').map(({ detail }) => detail)).toEqual([
      expect.objectContaining({
        code: 'CONNMGR_CONNECTION_DESTROYED',
        message: expect.stringContaining('by request (reclaim)'),
      }),
    ])
    expect(h.of('connectionClosed')).toMatchObject([{ reason: 'reclaimed' }])
    const next = await waiting
    expect(next.connection).not.toBe(connection)
    expect(h.manager.reclaim(lease.id)).toBe(false)
    expect(h.manager.reclaim(-1)).toBe(false)
    lease.release()
    expect(h.manager.getHolders()).toMatchObject([{ leaseId: next.id }])
    next.release()
    expect(h.manager.reclaim(next.id)).toBe(false)
    expect(h.manager.getCounts()).toMatchObject({ total: 1, idle: 1, inUse: 0 })
  })

  test('a leak that is reclaimed by request is no active leak any more', async () => {
    h = manage({ leakDetection: always })
    const lease = await forgetful()
    await h.clock.advance(1500)
    expect(h.manager.getLeakStats()).toMatchObject({ detected: 1, active: 1 })
    h.manager.reclaim(lease.id)
    expect(h.manager.getLeakStats()).toMatchObject({ detected: 1, active: 0, leaks: [] })
    lease.release()
    expect(h.of('leakResolved')).toEqual([])
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

  test('with the defaults the very first leak of a fresh app is named', async () => {
    h = manage()
    async function forgetsTheFirst() {
      const lease = await h.manager.acquire()
      await lease.connection.query('select 1')
      return lease
    }
    const lease = await forgetsTheFirst()
    await h.clock.advance(310_000)
    expect(h.of('leakDetected')).toMatchObject([
      {
        lease: {
          checkedOutBy: expect.stringMatching(
            /^forgetsTheFirst \(.*leak-detector\.test\.ts:\d+:\d+\)$/,
          ),
        },
      },
    ])
    lease.release()
  })

  test('the first leaks of every call site of a modest app are named', async () => {
    h = manage({ leakDetection: { thresholdMs: 60_000 }, poolSize: 50 })
    const sites = [
      async function oneSite() {
        return h.manager.acquire()
      },
      async function otherSite() {
        return h.manager.acquire({ target: 'any' })
      },
    ]
    // 200 acquires a second that come back, for a while.
    for (let n = 0; n < 1000; n += 1) {
      ;(await h.manager.acquire()).release()
      await h.clock.advance(5)
    }
    const leases = await Promise.all(sites.map((site) => site()))
    await h.clock.advance(61_000)
    expect(h.of('leakDetected').map((each) => each.lease.checkedOutBy?.split(' ')[0])).toEqual([
      'oneSite',
      'otherSite',
    ])
    for (const lease of leases) lease.release()
  })

  test('under load a site that leaks is named by the second leak at the latest', async () => {
    h = manage({ leakDetection: { thresholdMs: 2000 }, poolSize: 50 })
    async function leaky() {
      return h.manager.acquire()
    }
    const leases = []
    for (let second = 0; second < 10; second += 1) {
      for (let n = 0; n < 2000; n += 1) (await h.manager.acquire()).release()
      if (second === 3 || second === 8) leases.push(await leaky())
      await h.clock.advance(1000)
    }
    await h.clock.advance(3000)
    const named = h.of('leakDetected').map((each) => each.lease.checkedOutBy?.split(' ')[0])
    expect(named).toHaveLength(2)
    expect(named[1]).toBe('leaky')
    for (const lease of leases) lease.release()
  })

  test('what is long-lived is no leak and is not reclaimed, but is listed as what it is', async () => {
    h = manage({ leakDetection: { ...always, reclaim: true } })
    const listener = await h.manager.acquire({ longLived: true, label: 'listener' })
    const inContext = await runWithContext({ longLived: true }, () => h.manager.acquire())
    await h.clock.advance(100_000)
    expect(h.of('leakDetected')).toEqual([])
    expect(h.manager.detectLeaks()).toEqual([])
    expect(h.manager.getHolders()).toMatchObject([
      { label: 'listener', longLived: true, heldForMs: 100_000 },
      { longLived: true },
    ])
    expect(listener.connection.open).toBe(true)
    listener.release()
    inContext.release()
    const ordinary = await h.manager.acquire({ longLived: false })
    expect(h.manager.getHolders()[0]).not.toHaveProperty('longLived')
    ordinary.release()
  })

  test('a long-lived use or transaction is none either', async () => {
    h = manage({ leakDetection: always })
    let release = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    const working = [
      h.manager.use(() => stuck, { longLived: true }),
      h.manager.transaction(() => stuck, { longLived: true }),
    ]
    await h.clock.advance(5000)
    expect(h.of('leakDetected')).toEqual([])
    release()
    await Promise.all(working)
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

  test('a stall that was over before a lease began does not make it shorter', async () => {
    h = manage({ leakDetection: always })
    ;(await h.manager.acquire()).release()
    h.clock.stall(5000)
    await h.clock.advance(700)
    const lease = await forgetful()
    await h.clock.advance(300)
    expect(h.manager.getHolders()).toMatchObject([{ heldForMs: 300 }])
    lease.release()
  })

  test('holders and leaks are listed by age, however long it takes to describe each', async () => {
    h = manage({ leakDetection: { thresholdMs: 1000 }, poolSize: 2 })
    const older = await h.manager.acquire({ label: 'older' })
    await h.clock.advance(1)
    const younger = await h.manager.acquire({ label: 'younger' })
    await h.clock.advance(1000)
    const atRest = h.clock.now.bind(h.clock)
    let tookMs = 0
    const passing = jest.spyOn(h.clock, 'now').mockImplementation(() => {
      tookMs += 5
      return atRest() + tookMs
    })
    try {
      for (const reports of [h.manager.getHolders(), h.manager.detectLeaks()]) {
        expect(reports.map(({ label }) => label)).toEqual(['older', 'younger'])
        const [first, second] = reports.map(({ heldForMs }) => heldForMs)
        expect(Number(first) - Number(second)).toBe(1)
      }
    } finally {
      passing.mockRestore()
    }
    older.release()
    younger.release()
  })
})
