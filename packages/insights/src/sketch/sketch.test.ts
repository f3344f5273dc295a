import fc from 'fast-check'
import { LONGEST_MS, RELATIVE_ERROR, SHORTEST_MS, Sketch } from './sketch.js'

const times = fc.array(
  fc.oneof(
    fc.double({ min: SHORTEST_MS, max: LONGEST_MS, noNaN: true }),
    fc.double({ min: SHORTEST_MS, max: 50, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
)
const SHARES = [0, 0.01, 0.5, 0.95, 0.99, 1]

function sketchOf(values: readonly number[]): Sketch {
  const sketch = new Sketch()
  for (const value of values) sketch.add(value)
  return sketch
}

function trueQuantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number
}

test('every quantile is within the relative error of the true one', () => {
  fc.assert(
    fc.property(times, (values) => {
      const sketch = sketchOf(values)
      for (const share of SHARES) {
        const wanted = trueQuantile(values, share)
        const error = Math.abs(sketch.quantile(share) - wanted) / wanted
        expect(error).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9)
      }
    }),
  )
})

test('two sketches merged are the sketch of all their times', () => {
  fc.assert(
    fc.property(times, times, (first, second) => {
      const merged = sketchOf(first)
      merged.merge(sketchOf(second))
      const whole = sketchOf([...first, ...second])
      expect(merged.count).toBe(whole.count)
      expect(merged.maxMs).toBe(whole.maxMs)
      expect(merged.totalMs).toBeCloseTo(whole.totalMs, 3)
      for (const share of SHARES) expect(merged.quantile(share)).toBe(whole.quantile(share))
    }),
  )
})

test('a sketch of all times that there are takes less than a kilobyte', () => {
  const sketch = new Sketch()
  for (let time = SHORTEST_MS / 10; time < LONGEST_MS * 10; time *= 1.01) sketch.add(time)
  expect(sketch.bytes).toBeLessThan(1000)
  expect(sketch.maxMs).toBeGreaterThan(LONGEST_MS)
})

test('a sketch of times that are alike takes a few buckets', () => {
  const sketch = sketchOf([1.1, 1.2, 1.4, 2, 3])
  expect(sketch.bytes).toBeLessThanOrEqual(128)
})

test('an empty sketch, merged with another or not, has no times', () => {
  const empty = new Sketch()
  empty.merge(new Sketch())
  expect(empty.distribution).toEqual({
    count: 0,
    totalMs: 0,
    meanMs: 0,
    p50Ms: 0,
    p95Ms: 0,
    p99Ms: 0,
    maxMs: 0,
  })
})

test('times of zero and below count as the shortest', () => {
  const sketch = sketchOf([0, -1])
  expect(sketch.count).toBe(2)
  expect(sketch.quantile(0.5)).toBeLessThanOrEqual(SHORTEST_MS)
})
