import { FakeClock } from '@connmgr/testing'
import fc from 'fast-check'
import { Deadline, Deadlines } from './deadlines.js'
import { StallMonitor } from './stall.js'

function setUp() {
  const clock = new FakeClock()
  const stall = new StallMonitor(clock)
  return { clock, stall, deadlines: new Deadlines(clock, stall) }
}

class Item extends Deadline {
  constructor(readonly onExpired: () => void) {
    super()
  }
}

function item(name: string, expired: [string, number][], clock: FakeClock): Item {
  return new Item(() => expired.push([name, clock.now()]))
}

test('each item expires once, at its time, whatever the durations', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          at: fc.nat(300),
          duration: fc.constantFrom(1, 10, 50, 200),
          removedAfter: fc.option(fc.nat(300), { nil: undefined }),
        }),
        { maxLength: 12 },
      ),
      async (plans) => {
        const { clock, deadlines } = setUp()
        const expired: [string, number][] = []
        plans.forEach(({ at, duration, removedAfter }, index) => {
          const each = item(String(index), expired, clock)
          // A timer of 0 ms is one of 1 ms.
          clock.setTimeout(() => {
            deadlines.add(each, duration)
            if (removedAfter !== undefined) clock.setTimeout(() => each.cancel(), removedAfter)
          }, at)
        })
        await clock.advance(1000)
        plans.forEach(({ at, duration, removedAfter }, index) => {
          const added = Math.max(1, at)
          const times = expired.filter(([name]) => name === String(index)).map(([, time]) => time)
          if (removedAfter === undefined || Math.max(1, removedAfter) > duration + 1) {
            expect(times).toHaveLength(1)
            expect(times[0]).toBeGreaterThanOrEqual(added + duration - 1)
            expect(times[0]).toBeLessThanOrEqual(added + duration + 1)
          } else if (Math.max(1, removedAfter) < duration - 1) expect(times).toEqual([])
        })
        expect(deadlines.size).toBe(0)
        expect(clock.pendingTimers).toBe(0)
      },
    ),
  )
})

test('100,000 items of one duration share one timer', () => {
  const { clock, deadlines } = setUp()
  const items = Array.from({ length: 100_000 }, () => item('', [], clock))
  for (const each of items) deadlines.add(each, 500)
  expect(clock.pendingTimers).toBe(1)
  for (const each of items) each.cancel()
  expect(clock.pendingTimers).toBe(0)
})

test('many different durations do not pile up', () => {
  const { clock, deadlines } = setUp()
  for (let duration = 1; duration <= 1000; duration += 1) {
    const each = item('', [], clock)
    deadlines.add(each, duration)
    each.cancel()
  }
  expect(clock.pendingTimers).toBe(0)
})

test('time in which the process stood still is given back, also to what was not due yet', async () => {
  const { clock, stall, deadlines } = setUp()
  const expired: [string, number][] = []
  stall.start()
  deadlines.add(item('short', expired, clock), 500)
  deadlines.add(item('long', expired, clock), 3000)
  clock.stall(2000)
  // The monitor's interval is lost: it is unknown when in it the stall began.
  await clock.advance(399)
  expect(expired).toEqual([])
  await clock.advance(5000)
  expect(expired).toEqual([
    ['short', 2400],
    ['long', 4900],
  ])
})

test('a process that stands still again and again still gets its deadlines', async () => {
  const { clock, stall, deadlines } = setUp()
  const expired: [string, number][] = []
  stall.start()
  deadlines.add(item('a', expired, clock), 500)
  for (let second = 0; second < 10; second += 1) {
    clock.stall(900)
    await clock.advance(100)
  }
  expect(expired).toHaveLength(1)
})

test('what arrives in the same moment as the deadline comes in time', async () => {
  const { clock, deadlines } = setUp()
  const expired: [string, number][] = []
  const each = item('a', expired, clock)
  clock.setTimeout(() => each.cancel(), 100)
  deadlines.add(each, 100)
  await clock.advance(200)
  expect(expired).toEqual([])
})

describe('a stall', () => {
  /** When a deadline of a second expires that begins `afterMs` into a stall of eight. */
  async function expiryOfOneBegun(afterMs: number, stalledMs = 8000): Promise<number> {
    const { clock, stall, deadlines } = setUp()
    const expired: [string, number][] = []
    stall.start()
    await clock.advance(1000)
    const begunAt = clock.now()
    clock.stall(afterMs)
    deadlines.add(item('a', expired, clock), 1000)
    clock.stall(stalledMs - afterMs)
    await clock.advance(20_000)
    expect(expired).toHaveLength(1)
    return (expired[0]?.[1] ?? Number.NaN) - begunAt
  }

  test('that is over when a deadline begins is none of its time, whether it has come to light or not', async () => {
    expect(await expiryOfOneBegun(8000)).toBe(9000)
    const { clock, stall, deadlines } = setUp()
    const expired: [string, number][] = []
    stall.start()
    clock.stall(8000)
    await clock.advance(0)
    deadlines.add(item('a', expired, clock), 1000)
    await clock.advance(5000)
    expect(expired).toEqual([['a', 9000]])
  })

  test.each([100, 300, 1000, 4000, 7900])(
    'gives a deadline that begins %d ms into it back what it lost itself',
    async (afterMs) => {
      const expiry = await expiryOfOneBegun(afterMs)
      expect(expiry).toBeGreaterThanOrEqual(8999)
      // A stall of less than a quarter of a second looks like a busy moment.
      expect(expiry).toBeLessThanOrEqual(9250)
    },
  )

  test('that ends while a deadline runs on gives back its own length and no more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ run: fc.integer({ min: 101, max: 3000 }), stall: fc.nat(5000) }), {
          maxLength: 6,
        }),
        fc.integer({ min: 100, max: 5000 }),
        async (history, durationMs) => {
          const { clock, stall, deadlines } = setUp()
          const expired: [string, number][] = []
          stall.start()
          for (const each of history) {
            clock.stall(each.stall)
            await clock.advance(each.run)
          }
          const begunAt = clock.now()
          deadlines.add(item('a', expired, clock), durationMs)
          await clock.advance(durationMs + 1)
          expect(expired).toEqual([['a', begunAt + durationMs]])
        },
      ),
    )
  })
})
