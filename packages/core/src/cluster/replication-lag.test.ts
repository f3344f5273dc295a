import { ReplicationLag } from './replication-lag.js'

test('a standby that has replayed everything is not behind, however long nothing was written', () => {
  const lag = new ReplicationLag(60_000)
  lag.written(0, 100n)
  expect(lag.of(50_000, 100n)).toBe(0)
  lag.written(50_000, 100n)
  expect(lag.of(50_000, 100n)).toBe(0)
})

test('lag is the age of the oldest write that is missing', () => {
  const lag = new ReplicationLag(60_000)
  lag.written(0, 100n)
  lag.written(1000, 200n)
  lag.written(2000, 300n)
  expect(lag.of(2500, 300n)).toBe(0)
  expect(lag.of(2500, 250n)).toBe(500)
  expect(lag.of(2500, 150n)).toBe(1500)
  expect(lag.of(2500, 0n)).toBe(2500)
})

test('a paused replay falls behind as time passes', () => {
  const lag = new ReplicationLag(60_000)
  lag.written(0, 100n)
  lag.written(1000, 200n)
  expect(lag.of(11_000, 100n)).toBe(10_000)
})

test('memory is bounded: lag beyond it is reported as that much', () => {
  const lag = new ReplicationLag(5000)
  for (let second = 0; second <= 100; second += 1) lag.written(second * 1000, BigInt(second))
  expect(lag.of(100_000, 0n)).toBeLessThanOrEqual(6000)
  expect(lag.of(100_000, 0n)).toBeGreaterThanOrEqual(5000)
})

test('after a standby has taken over, another one is as far behind as it was', () => {
  const lag = new ReplicationLag(60_000)
  lag.written(0, 100n)
  lag.written(1000, 200n)
  lag.written(5000, 900n)
  lag.rebase(300n)
  lag.written(6000, 300n)
  expect(lag.of(7000, 150n)).toBe(6000)
  expect(lag.of(7000, 250n)).toBe(1000)
  expect(lag.of(7000, 300n)).toBe(0)
})

test('after an independent server has taken over, earlier positions mean nothing', () => {
  const lag = new ReplicationLag(60_000)
  lag.written(0, 1000n)
  lag.reset()
  expect(lag.of(1000, 10n)).toBe(0)
})
