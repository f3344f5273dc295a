import { FakeClock } from '@connmgr/testing'
import { LEAST_PAUSE, ProbeTimer } from './probe-timer.js'

function timed(paceMs: number) {
  const clock = new FakeClock()
  const pace = { ms: paceMs }
  const dueAt: number[] = []
  const timer = new ProbeTimer(
    clock,
    () => pace.ms,
    () => dueAt.push(clock.now()),
  )
  timer.start()
  return { clock, dueAt, pace, timer }
}

test('a probe that was due soon waits if nothing is urgent any more', async () => {
  const { clock, dueAt, pace, timer } = timed(20)
  await clock.advance(20)
  expect(dueAt).toHaveLength(1)
  pace.ms = 500
  await clock.advance(500 * LEAST_PAUSE - 1)
  expect(dueAt).toHaveLength(1)
  await clock.advance(500)
  const [first, second] = dueAt as [number, number]
  expect(second - first).toBeGreaterThanOrEqual(500 * LEAST_PAUSE)
  expect(second - first).toBeLessThanOrEqual(500)
  timer.stop()
  expect(clock.pendingTimers).toBe(0)
})

test('a probe that is far off comes sooner once it is urgent', async () => {
  const { clock, dueAt, pace, timer } = timed(500)
  await clock.advance(100)
  pace.ms = 20
  timer.hurry()
  await clock.advance(20)
  expect(dueAt).toHaveLength(1)
  timer.stop()
})
