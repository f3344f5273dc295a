import { lagOf, rebased, type Sample, written } from './replication-lag.js'

const covers = (position: string, target: string): boolean => Number(position) >= Number(target)

/** The samples of a writer that was seen at these positions. */
const wrote = (...sightings: (readonly [at: number, position: string])[]): readonly Sample[] =>
  sightings.reduce<readonly Sample[]>(
    (samples, [at, position]) => written(samples, at, position, covers, 60_000),
    [],
  )
const lag = (samples: readonly Sample[], at: number, position: string): number =>
  lagOf(samples, at, position, covers)

test('a standby that has applied everything is not behind, however long nothing was written', () => {
  expect(lag(wrote([0, '100']), 50_000, '100')).toBe(0)
  expect(lag(wrote([0, '100'], [50_000, '100']), 50_000, '100')).toBe(0)
})

test('an answer of the writer that says nothing new leaves the samples as they are', () => {
  const samples = wrote([0, '100'])
  expect(written(samples, 50_000, '100', covers)).toBe(samples)
})

test('lag is the age of the oldest write that is missing', () => {
  const samples = wrote([0, '100'], [1000, '200'], [2000, '300'])
  expect(lag(samples, 2500, '300')).toBe(0)
  expect(lag(samples, 2500, '250')).toBe(500)
  expect(lag(samples, 2500, '150')).toBe(1500)
  expect(lag(samples, 2500, '0')).toBe(2500)
})

test('a paused standby falls behind as time passes', () => {
  expect(lag(wrote([0, '100'], [1000, '200']), 11_000, '100')).toBe(10_000)
})

test('memory is bounded: lag beyond it is reported as that much', () => {
  let samples: readonly Sample[] = []
  for (let second = 0; second <= 100; second += 1)
    samples = written(samples, second * 1000, String(second), covers, 5000)
  expect(lag(samples, 100_000, '0')).toBeLessThanOrEqual(6000)
  expect(lag(samples, 100_000, '0')).toBeGreaterThanOrEqual(5000)
})

test('after a standby has taken over, another one is as far behind as it was', () => {
  const before = wrote([0, '100'], [1000, '200'], [5000, '900'])
  const samples = written(rebased(before, '300', covers), 6000, '300', covers)
  expect(lag(samples, 7000, '150')).toBe(6000)
  expect(lag(samples, 7000, '250')).toBe(1000)
  expect(lag(samples, 7000, '300')).toBe(0)
})

test('without samples, as after an independent server has taken over, nothing is behind', () => {
  expect(lag([], 1000, '10')).toBe(0)
})
