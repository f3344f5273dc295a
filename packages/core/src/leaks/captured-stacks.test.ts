import { FakeClock, type FakeConnection } from '@connmgr/testing'
import type { Lease } from '../pool/lease.js'
import { StallMonitor } from '../time/stall.js'
import { type LeakDetectionOptions, LeakDetector, NoLeakDetection } from './leak-detector.js'

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

  test('and another entry point is, even so', () => {
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
