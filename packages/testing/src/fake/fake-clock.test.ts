import { FakeClock } from './fake-clock.js'

describe('FakeClock', () => {
  test('timers fire in the order of their time, each at its own time', async () => {
    const clock = new FakeClock()
    const fired: [string, number][] = []
    clock.setTimeout(() => fired.push(['late', clock.now()]), 30)
    clock.setTimeout(() => fired.push(['early', clock.now()]), 10)
    clock.setTimeout(() => fired.push(['early too', clock.now()]), 10)
    await clock.advance(29)
    expect(fired).toEqual([
      ['early', 10],
      ['early too', 10],
    ])
    await clock.advance(1)
    expect(fired.at(-1)).toEqual(['late', 30])
  })

  test('what a timer causes happens before the next timer, however long the chain of promises', async () => {
    const clock = new FakeClock()
    const seen: string[] = []
    clock.setTimeout(async () => {
      for (let i = 0; i < 100; i += 1) await null
      seen.push('chain')
      clock.setImmediate(() => seen.push('immediate'))
    }, 1)
    clock.setTimeout(() => seen.push('next timer'), 2)
    await clock.advance(5)
    expect(seen).toEqual(['chain', 'immediate', 'next timer'])
  })

  test('a timer set by a timer fires within the same advance if it is due', async () => {
    const clock = new FakeClock()
    const times: number[] = []
    const tick = () => {
      times.push(clock.now())
      clock.setTimeout(tick, 100)
    }
    clock.setTimeout(tick, 100)
    await clock.advance(350)
    expect(times).toEqual([100, 200, 300])
    expect(clock.now()).toBe(350)
    expect(clock.nextTimerInMs).toBe(50)
  })

  test('after a stall the timers fire late, all of them at the time it is then', async () => {
    const clock = new FakeClock()
    const times: number[] = []
    clock.setTimeout(() => times.push(clock.now()), 100)
    clock.setTimeout(() => times.push(clock.now()), 200)
    clock.stall(3000)
    expect(times).toEqual([])
    expect(clock.now()).toBe(3000)
    await clock.advance(0)
    expect(times).toEqual([3000, 3000])
  })

  test('a cleared timer does not fire and is not pending', async () => {
    const clock = new FakeClock()
    const fired: number[] = []
    const handles = [5, 5, 5].map((delay, index) =>
      clock.setTimeout(() => fired.push(index), delay),
    )
    clock.clearTimeout(handles[1])
    clock.clearTimeout(handles[1])
    clock.clearTimeout(undefined)
    expect(clock.pendingTimers).toBe(2)
    await clock.advance(5)
    expect(fired).toEqual([0, 2])
    clock.clearTimeout(handles[0])
    expect(clock.pendingTimers).toBe(0)
  })

  test('pendingKeepAliveTimers counts only the timers that would hold a process', () => {
    const clock = new FakeClock()
    clock.setTimeout(() => {}, 5, true)
    clock.setTimeout(() => {}, 5)
    expect([clock.pendingTimers, clock.pendingKeepAliveTimers]).toEqual([2, 1])
  })

  test('a timer of 0 ms takes 1 ms, as in Node, so that time always moves on', async () => {
    const clock = new FakeClock()
    let runs = 0
    const again = () => {
      runs += 1
      clock.setTimeout(again, 0)
    }
    again()
    await clock.advance(10)
    expect(runs).toBe(11)
  })

  test('a delay that Node would turn into 1 ms is refused', () => {
    const clock = new FakeClock()
    for (const delay of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      expect(() => clock.setTimeout(() => {}, delay)).toThrow(RangeError)
    }
  })

  test('advance rejects with what a callback throws', async () => {
    const clock = new FakeClock()
    clock.setTimeout(() => {
      throw new Error('from the timer')
    }, 1)
    await expect(clock.advance(1)).rejects.toThrow('from the timer')
  })

  test('the wall clock follows the time and can be set without moving it', async () => {
    const clock = new FakeClock({ wallTime: 1_000_000 })
    await clock.advance(10)
    clock.shiftWallTime(-3_600_000)
    expect(clock.wallTime()).toBe(1_000_010 - 3_600_000)
    expect(clock.now()).toBe(10)
  })

  test('random numbers repeat for the same seed, differ for another and fill the range from 0 to 1', () => {
    const take = (seed: number) => {
      const clock = new FakeClock({ seed })
      return Array.from({ length: 1000 }, () => clock.random())
    }
    expect(take(7)).toEqual(take(7))
    expect(take(7)).not.toEqual(take(8))
    const numbers = take(7)
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    expect(numbers.reduce((sum, x) => sum + x) / 1000).toBeCloseTo(0.5, 1)
  })
})
