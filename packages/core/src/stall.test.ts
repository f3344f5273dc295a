import { FakeClock } from '@connmgr/testing'
import { StallMonitor } from './stall.js'

test('counts the time in which nothing ran, and reports it once', async () => {
  const clock = new FakeClock()
  const monitor = new StallMonitor(clock)
  const reported: number[] = []
  monitor.onStall((ms) => reported.push(ms))
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
  let heard = 0
  const off = monitor.onStall(() => {
    heard += 1
  })
  monitor.start()
  off()
  clock.stall(5000)
  await clock.advance(1000)
  expect(heard).toBe(0)
})
