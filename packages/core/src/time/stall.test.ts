import { FakeClock } from '@connmgr/testing'
import { StallMonitor } from './stall.js'

test('counts the time in which nothing ran, and reports it once', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  const reported: number[] = []
  monitor.onStop((ms) => reported.push(ms))
  monitor.start()
  await clock.advance(10_000)
  expect(monitor.stalledMs).toBe(0)
  clock.stall(5000)
  const whileStalled = monitor.stalledMs
  expect(whileStalled).toBeGreaterThanOrEqual(4500)
  await clock.advance(0)
  expect(monitor.stalledMs).toBe(whileStalled)
  await clock.advance(5000)
  expect(monitor.stalledMs).toBe(whileStalled)
  expect(reported).toEqual([whileStalled])
})

test('a delay that ordinary load explains is no stall', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  monitor.start()
  await clock.advance(499)
  clock.stall(200)
  await clock.advance(1000)
  expect(monitor.stalledMs).toBe(0)
})

test('neither a change of the wall clock nor a stopped monitor counts', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  monitor.start()
  clock.shiftWallTime(3_600_000)
  await clock.advance(1000)
  expect(monitor.stalledMs).toBe(0)
  monitor.stop()
  clock.stall(60_000)
  expect(monitor.stalledMs).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

test('one who unsubscribed hears nothing', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  let received = 0
  const off = monitor.onStop(() => {
    received += 1
  })
  monitor.start()
  off()
  clock.stall(5000)
  await clock.advance(1000)
  expect(received).toBe(0)
})

test('who looks first after a stop notices it, before the timer of the monitor', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  const reported: number[] = []
  monitor.onStop((ms) => reported.push(ms))
  monitor.start()
  await clock.advance(50)
  monitor.look(clock.now())
  expect(monitor.stops).toBe(0)
  clock.stall(5000)
  monitor.look(clock.now())
  monitor.look(clock.now())
  expect(monitor.stops).toBe(1)
  await clock.advance(1000)
  expect(monitor.stops).toBe(1)
  expect(reported).toEqual([4950])
  expect(monitor.stalledMs).toBe(4950)
})

test('a sleep of the machine in which the monotonic clock stood still is noticed, and counts as no stall', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  monitor.start()
  await clock.advance(150)
  clock.shiftWallTime(60_000)
  await clock.advance(3)
  monitor.look(clock.now())
  expect(monitor.stops).toBe(1)
  expect(monitor.stalledMs).toBe(0)
  for (const correctionMs of [900, -3_600_000, 999]) {
    clock.shiftWallTime(correctionMs)
    await clock.advance(200)
  }
  expect(monitor.stops).toBe(1)
})

test('nothing is looked for before the start and after the end', () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  clock.stall(60_000)
  monitor.look(clock.now())
  monitor.start()
  monitor.stop()
  clock.stall(60_000)
  monitor.look(clock.now())
  expect(monitor.stops).toBe(0)
})
