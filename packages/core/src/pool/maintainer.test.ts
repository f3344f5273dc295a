import { FakeClock } from '@connmgr/testing'
import { resolveManagerOptions } from '../config/resolve.js'
import { StallMonitor } from '../stall.js'
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
