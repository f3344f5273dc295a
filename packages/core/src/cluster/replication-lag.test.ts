import { ReplicationLag } from './replication-lag.js'

const covers = (position: string, written: string): boolean => Number(position) >= Number(written)

test('a standby that has applied everything is not behind, however long nothing was written', () => {
  const lag = new ReplicationLag(60_000, covers)
  lag.written(0, '100')
  expect(lag.of(50_000, '100')).toBe(0)
  lag.written(50_000, '100')
  expect(lag.of(50_000, '100')).toBe(0)
})

test('lag is the age of the oldest write that is missing', () => {
  const lag = new ReplicationLag(60_000, covers)
  lag.written(0, '100')
  lag.written(1000, '200')
  lag.written(2000, '300')
  expect(lag.of(2500, '300')).toBe(0)
  expect(lag.of(2500, '250')).toBe(500)
  expect(lag.of(2500, '150')).toBe(1500)
  expect(lag.of(2500, '0')).toBe(2500)
})

test('a paused standby falls behind as time passes', () => {
  const lag = new ReplicationLag(60_000, covers)
  lag.written(0, '100')
  lag.written(1000, '200')
  expect(lag.of(11_000, '100')).toBe(10_000)
})

test('memory is bounded: lag beyond it is reported as that much', () => {
  const lag = new ReplicationLag(5000, covers)
  for (let second = 0; second <= 100; second += 1) lag.written(second * 1000, String(second))
  expect(lag.of(100_000, '0')).toBeLessThanOrEqual(6000)
  expect(lag.of(100_000, '0')).toBeGreaterThanOrEqual(5000)
})

test('after a standby has taken over, another one is as far behind as it was', () => {
  const lag = new ReplicationLag(60_000, covers)
  lag.written(0, '100')
  lag.written(1000, '200')
  lag.written(5000, '900')
  lag.rebase('300')
  lag.written(6000, '300')
  expect(lag.of(7000, '150')).toBe(6000)
  expect(lag.of(7000, '250')).toBe(1000)
  expect(lag.of(7000, '300')).toBe(0)
})

test('after an independent server has taken over, earlier positions mean nothing', () => {
  const lag = new ReplicationLag(60_000, covers)
  lag.written(0, '1000')
  lag.reset()
  expect(lag.of(1000, '10')).toBe(0)
})
