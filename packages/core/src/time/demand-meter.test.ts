import fc from 'fast-check'
import { demandQuantile, mergeDemand } from '../vocabulary/histogram.js'
import { DemandMeter } from './demand-meter.js'

test('each level is given the time for which it held', () => {
  const meter = new DemandMeter(0)
  meter.change(1, 10)
  meter.change(2, 30)
  meter.change(-3, 60)
  expect(meter.snapshot(100)).toEqual({
    totalMs: 100,
    levels: [
      { connections: 0, ms: 50 },
      { connections: 1, ms: 20 },
      { connections: 3, ms: 30 },
    ],
  })
})

test('times add up to the whole, at any level, and the parts of one level to that of the whole', () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 2000 }), fc.nat(100), fc.boolean())
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const all = new DemandMeter(0)
      const parts = [new DemandMeter(0, all), new DemandMeter(0, all)] as const
      const levels = [0, 0]
      const expected = new Map<number, number>()
      let now = 0
      for (const [to, ms, which] of steps) {
        const sum = Math.min(1023, (levels[0] as number) + (levels[1] as number))
        if (ms > 0) expected.set(sum, (expected.get(sum) ?? 0) + ms)
        now += ms
        const part = which ? 1 : 0
        parts[part].change(to - (levels[part] as number), now)
        levels[part] = to
      }
      const { levels: reported, totalMs } = all.snapshot(now)
      expect(totalMs).toBe(now)
      expect(new Map(reported.map(({ connections, ms }) => [connections, ms]))).toEqual(expected)
    }),
  )
})

test('the level that was enough for a share of the time', () => {
  const meter = new DemandMeter(0)
  meter.change(4, 990)
  const demand = meter.snapshot(1000)
  expect([0.5, 0.99, 0.999, 1].map((share) => demandQuantile(demand, share))).toEqual([0, 0, 4, 4])
  expect(demandQuantile({ totalMs: 0, levels: [] }, 0.5)).toBeNaN()
})

test('the times of two measurements are added', () => {
  const one = { totalMs: 3, levels: [{ connections: 1, ms: 3 }] }
  const other = {
    totalMs: 9,
    levels: [
      { connections: 0, ms: 4 },
      { connections: 1, ms: 5 },
    ],
  }
  expect(mergeDemand(one, other)).toEqual({
    totalMs: 12,
    levels: [
      { connections: 0, ms: 4 },
      { connections: 1, ms: 8 },
    ],
  })
})

test('a moment that was read off the clock before the last change is taken for that', () => {
  const meter = new DemandMeter(0)
  meter.change(1, 10)
  meter.change(1, 9)
  expect(meter.snapshot(10).totalMs).toBe(10)
})
