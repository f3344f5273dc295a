import { FakeClock } from '@connmgr/testing'
import { resolveManagerOptions } from '../config/resolve.js'
import { StallMonitor } from '../time/stall.js'
import { Maintainer } from './maintainer.js'

test('started twice, housekeeping and the watch over stalls still have one timer each', () => {
  const clock = new FakeClock()
  const { pool } = resolveManagerOptions<object>({}, 'fake')
  for (const each of [new Maintainer([], pool, 1000, clock), new StallMonitor(clock)]) {
    each.start()
    each.start()
    expect(clock.pendingTimers).toBe(1)
    each.stop()
    expect(clock.pendingTimers).toBe(0)
  }
})

test.each([
  [{ idleTimeoutMs: 400, maxLifetimeMs: 900 }, 800, 100],
  [{ idleTimeoutMs: 900, maxLifetimeMs: 800 }, 900, 200],
  [{ idleTimeoutMs: 900, maxLifetimeMs: 900 }, 600, 150],
  [{ idleTimeoutMs: 1, maxLifetimeMs: 900 }, 900, 10],
  [{ idleTimeoutMs: 0, maxLifetimeMs: 0 }, 300_000, 1000],
])(
  'housekeeping is done four times in the shortest of its times, between 10 ms and a second: %j, %i',
  async (options, leakThresholdMs, everyMs) => {
    const clock = new FakeClock()
    const { pool } = resolveManagerOptions<object>(options, 'fake')
    const kept: number[] = []
    const each = { maintain: () => kept.push(clock.now()), needsCare: true } as never
    const maintainer = new Maintainer([each, each], pool, leakThresholdMs, clock)
    maintainer.start()
    await clock.advance(2 * everyMs)
    expect(kept).toEqual([everyMs, everyMs, 2 * everyMs, 2 * everyMs])
    maintainer.stop()
    maintainer.start()
    expect(clock.nextTimerInMs).toBe(everyMs)
    maintainer.stop()
    expect(clock.pendingTimers).toBe(0)
  },
)

test('nothing is done while no pool has anything to keep house for', async () => {
  const clock = new FakeClock()
  const { pool } = resolveManagerOptions<object>({}, 'fake')
  let kept = 0
  const each = {
    needsCare: true,
    maintain: () => {
      kept += 1
    },
  }
  const maintainer = new Maintainer([each as never], pool, 300_000, clock)
  maintainer.wake()
  expect(clock.pendingTimers).toBe(0)
  maintainer.start()
  await clock.advance(3000)
  each.needsCare = false
  await clock.advance(10_000)
  expect(kept).toBe(4)
  expect(clock.pendingTimers).toBe(0)
  each.needsCare = true
  maintainer.wake()
  maintainer.wake()
  await clock.advance(3000)
  expect(kept).toBe(7)
  maintainer.stop()
  maintainer.wake()
  expect(clock.pendingTimers).toBe(0)
})
