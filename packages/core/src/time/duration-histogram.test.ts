import fc from 'fast-check'
import { countWithin, histogramQuantile, mergeHistograms } from '../vocabulary/histogram.js'
import { DurationHistogram } from './duration-histogram.js'

const durations = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
})
function histogramOf(values: readonly number[]) {
  const histogram = new DurationHistogram()
  for (const value of values) histogram.record(value)
  return histogram.snapshot()
}

test('each duration is counted in the range that it lies in, and ranges follow one another', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
      const [bucket, ...others] = histogramOf([ms]).buckets
      expect(others).toEqual([])
      expect(bucket?.fromMs).toBeLessThanOrEqual(ms)
      expect(bucket?.toMs).toBeGreaterThanOrEqual(ms)
    }),
  )
})

test('quantiles are right to within 13 % of the exact ones, or 10 µs', () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(0, 0.5, 0.9, 0.99, 1), (values, share) => {
      const sorted = [...values].sort((a, b) => a - b)
      const exact = sorted[Math.max(0, Math.ceil(share * values.length) - 1)] as number
      const reported = histogramQuantile(histogramOf(values), share)
      expect(Math.abs(reported - exact)).toBeLessThanOrEqual(0.126 * exact + 0.01)
    }),
  )
})

test('merged histograms are the histogram of all', () => {
  fc.assert(
    fc.property(durations, durations, (one, other) => {
      const merged = mergeHistograms(histogramOf(one), histogramOf(other))
      const whole = histogramOf([...one, ...other])
      expect(merged.buckets).toEqual(whole.buckets)
      expect(merged.count).toBe(whole.count)
      expect(merged.sumMs).toBeCloseTo(whole.sumMs, 3)
    }),
  )
})

test('a histogram that is added to is the histogram of all', () => {
  const one = new DurationHistogram()
  const other = new DurationHistogram()
  for (const ms of [1, 2, 3]) one.record(ms)
  for (const ms of [3, 400]) other.record(ms)
  one.add(other)
  one.add(new DurationHistogram())
  expect(one.snapshot()).toEqual(histogramOf([1, 2, 3, 3, 400]))
})

test('counts within a limit grow with it, up to all', () => {
  const histogram = histogramOf([0, 0.5, 1, 4.9, 5.1, 90, 1e12])
  const limits = [0.001, 1, 5, 10, 100, 1000, Number.POSITIVE_INFINITY]
  const counts = limits.map((ms) => countWithin(histogram, ms))
  expect(counts).toEqual([...counts].sort((a, b) => a - b))
  expect(counts.at(-1)).toBe(7)
  expect(countWithin(histogram, 5)).toBe(4)
})

test.each([-1, Number.NaN])('what is no duration counts as none: %s', (ms) => {
  expect(histogramOf([ms]).buckets).toEqual([{ fromMs: 0, toMs: expect.any(Number), count: 1 }])
})

test('of nothing there is no quantile', () => {
  expect(histogramQuantile(new DurationHistogram().snapshot(), 0.5)).toBeNaN()
  expect(mergeHistograms()).toEqual({ count: 0, sumMs: 0, buckets: [] })
})
