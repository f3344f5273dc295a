import { runWithContext } from '@connmgr/core'
import { runWithOrigin } from '@connmgr/core/driver'
import { FakeClock, type FakeConnection } from '@connmgr/testing'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { closeLone, lonePool } from '../../test/lone-pool.js'
import type { Lease } from '../pool/lease.js'
import { StallMonitor } from '../time/stall.js'
import { type LeakDetectionOptions, LeakDetector, NoLeakDetection } from './leak-detector.js'

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
})

describe('when a stack is captured', () => {
  function detector(options: Partial<LeakDetectionOptions> = {}) {
    const clock = new FakeClock()
    const given = {
      thresholdMs: 5000,
      captureStack: 'adaptive',
      reclaim: false,
      detectNested: false,
      ...options,
    } as const
    return { clock, leaks: new LeakDetector(given, clock, new StallMonitor(clock)) }
  }

  /** Leases that began one after the other, a millisecond apart, from the clock's time on. */
  function leasesAt(times: readonly number[]): Lease<FakeConnection>[] {
    return times.map((acquiredAt) => ({ acquiredAt, stalledBefore: 0, leaked: false }) as never)
  }

  const below = (): void => {}
  /** Has spent what is captured of any acquire in this second. */
  function busy(leaks: LeakDetector, now: number): void {
    for (let n = 0; n < 800; n += 1) leaks.wantsStack(0, 100, now, below)
  }

  test('every acquire of a modest app is, however empty its pool', () => {
    const { leaks } = detector()
    const wanted = Array.from({ length: 500 }, (_, n) => leaks.wantsStack(0, 100, n, below))
    expect(wanted).not.toContain(false)
  })

  test('beyond the budget as many are at once as could fill half of the pool, twice over', () => {
    const { leaks } = detector()
    busy(leaks, 0)
    const captured = (now: number) =>
      Array.from({ length: 300 }, () => leaks.wantsStack(99, 100, now, below)).filter(Boolean)
        .length
    expect([captured(0), captured(4), captured(5)]).toEqual([200, 0, 1])
  })

  test('and another way in is, even so', () => {
    const { leaks } = detector()
    busy(leaks, 0)
    expect(leaks.wantsStack(0, 100, 0, below)).toBe(false)
    expect(leaks.wantsStack(0, 100, 0, () => {})).toBe(true)
  })

  test('"never" means also while a leak is known, "always" means also in an empty pool', () => {
    const never = detector({ captureStack: 'never' })
    never.clock.stall(5000)
    expect(never.leaks.scan(leasesAt([0]), 4)).toHaveLength(1)
    expect(never.leaks.wantsStack(3, 4, 5000, below)).toBe(false)
    expect(detector({ captureStack: 'always' }).leaks.wantsStack(0, 100, 0, below)).toBe(true)
  })

  test.each([
    ['a quarter of the connections has been held for a second', [0, 0], true],
    ['fewer have', [0, 1], false],
  ])('every acquire is, or not, if %s', (_what, times, expected) => {
    const { clock, leaks } = detector()
    clock.stall(1000)
    expect(leaks.scan(leasesAt(times), 8)).toEqual([])
    busy(leaks, 1000)
    expect(leaks.wantsStack(0, 100, 1000, below)).toBe(expected)
  })

  test('every acquire is for ten minutes after a leak', () => {
    const { clock, leaks } = detector()
    clock.stall(5000)
    const [leak] = leaks.scan(leasesAt([0]), 100)
    busy(leaks, 5000)
    expect(leaks.wantsStack(0, 100, 5000, below)).toBe(true)
    expect(leak !== undefined && leaks.ended(leak)).toBe(true)
    clock.stall(599_999)
    leaks.scan([], 100)
    busy(leaks, clock.now())
    expect(leaks.wantsStack(0, 100, clock.now(), below)).toBe(true)
    clock.stall(1)
    leaks.scan([], 100)
    busy(leaks, clock.now())
    expect(leaks.wantsStack(0, 100, clock.now(), below)).toBe(false)
  })

  test('a leak is found at its threshold, once, and those behind it are looked at too', () => {
    const { clock, leaks } = detector({ thresholdMs: 500 })
    const leases = leasesAt([0, 1, 2])
    clock.stall(499)
    expect(leaks.scan(leases, 100)).toEqual([])
    clock.stall(2)
    expect(leaks.scan(leases, 100)).toEqual(leases.slice(0, 2))
    clock.stall(1)
    expect(leaks.scan(leases, 100)).toEqual(leases.slice(2))
    expect(leaks.counts).toEqual({ detected: 3, active: 3 })
    expect(leases.map((lease) => leaks.ended(lease))).toEqual([true, true, true])
    expect(leaks.counts).toEqual({ detected: 3, active: 0 })
  })

  test('every acquire is for as long as a leak lasts', () => {
    const { clock, leaks } = detector()
    const leases = leasesAt([0])
    clock.stall(5000)
    leaks.scan(leases, 100)
    clock.stall(3_600_000)
    expect(leaks.scan(leases, 100)).toEqual([])
    busy(leaks, clock.now())
    expect(leaks.wantsStack(0, 100, clock.now(), below)).toBe(true)
  })

  test('none is while leak detection is off, which finds and reclaims nothing', () => {
    const off = new NoLeakDetection()
    expect(off).toMatchObject({
      reclaim: false,
      counts: { detected: 0, active: 0 },
      thresholdMs: Number.POSITIVE_INFINITY,
    })
    expect([off.wantsStack(), off.scan(), off.ended()]).toEqual([false, [], false])
  })
})

describe('what is said of a lease', () => {
  test('when it began, for how long it has been held, and nothing of the lease before', async () => {
    const lone = lonePool({ leakDetection: false })
    const earlier = await lone.acquire()
    await earlier.connection.query('select 1')
    earlier.release()
    await lone.clock.advance(100)
    const lease = await lone.acquire()
    const began = new Date(lone.clock.wallTime())
    await lone.clock.advance(50)
    const silent = {
      leaseId: lease.id,
      connectionId: lease.connectionId,
      endpoint: 'a',
      checkedOutAt: began,
      heldForMs: 50,
      checkedOutBy: undefined,
      stack: undefined,
      lastQuery: undefined,
      queryCount: 0,
    }
    const [report] = lone.pool.leases.holders()
    expect(report).toEqual(silent)
    expect(report).not.toHaveProperty('label')
    await lease.connection.query('select 2')
    await lease.connection.query('select 3')
    expect(lone.pool.leases.holders()).toEqual([
      { ...silent, lastQuery: 'select 3', queryCount: 2 },
    ])
    lease.release()
    await closeLone(lone)
  })

  test('a driver that keeps no count of statements has none to tell', async () => {
    const lone = lonePool()
    Object.defineProperty(lone.driver, 'activity', { value: undefined })
    const lease = await lone.acquire()
    await lease.connection.query('select 1')
    expect(lone.pool.leases.holders()).toMatchObject([{ lastQuery: undefined, queryCount: 0 }])
    lease.release()
    await closeLone(lone)
  })

  test('holders and leaks are listed by age, whatever the age of their connections', async () => {
    const lone = lonePool({ poolSize: 2, leakDetection: { thresholdMs: 100 } })
    const [older, younger] = await Promise.all([lone.acquire(), lone.acquire({ label: 'first' })])
    older.release()
    await lone.clock.advance(60)
    const again = await lone.acquire({ label: 'second' })
    await lone.clock.advance(40)
    expect(lone.pool.leases.holders().map((each) => each.label)).toEqual(['first', 'second'])
    expect(lone.pool.leases.leaked().map((each) => each.label)).toEqual(['first'])
    await lone.clock.advance(60)
    expect(lone.pool.leases.leaked().map((each) => each.label)).toEqual(['first', 'second'])
    again.release()
    younger.release()
    expect(lone.pool.leases.leaked()).toEqual([])
    await closeLone(lone)
  })

  test('a leak is reported, and its end too, with all there is to know', async () => {
    const lone = lonePool({ leakDetection: { thresholdMs: 1000 } })
    const lease = await lone.acquire({ label: 'forgetful' })
    await lone.clock.advance(1000)
    lone.pool.maintain()
    const about = { pool: 'p', endpoint: 'a', connectionId: lease.connectionId }
    const [detected] = lone.of('leakDetected')
    expect(detected).toEqual({
      type: 'leakDetected',
      ...about,
      durationMs: 1000,
      lease: expect.objectContaining({ leaseId: lease.id, label: 'forgetful' }),
      reclaimed: false,
    })
    expect(lease.connection.open).toBe(true)
    await lone.clock.advance(500)
    lease.release()
    expect(lone.of('leakResolved')).toEqual([
      {
        type: 'leakResolved',
        ...about,
        durationMs: 1500,
        lease: expect.objectContaining({ leaseId: lease.id, heldForMs: 1500 }),
      },
    ])
    await closeLone(lone)
  })

  test('a leak whose connection is reclaimed is over: its holder has nothing to give back', async () => {
    const lone = lonePool({ leakDetection: { thresholdMs: 1000, reclaim: true } })
    const lease = await lone.acquire()
    await lone.clock.advance(1000)
    lone.pool.maintain()
    expect(lone.of('leakDetected')).toMatchObject([{ reclaimed: true }])
    expect(lone.of('connectionClosed')).toMatchObject([{ reason: 'leaked' }])
    expect(lone.pool.leases.leakCounts).toEqual({ detected: 1, active: 0 })
    lease.release()
    expect(lone.pool.leases.totals).toMatchObject({ returned: 1, closed: 1 })
    expect(lone.of('leakResolved')).toEqual([])
    await closeLone(lone)
  })
})
