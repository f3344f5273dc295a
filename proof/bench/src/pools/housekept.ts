import type { Clock } from '@connmgr/core'
import { systemClock, type TimerHandle } from '@connmgr/core/driver'
import { connmgr } from './connmgr.js'
import type { MeasuredPool } from './pool.js'

/** The housekeeper's own interval, which with these options is its longest. */
const HOUSEKEEPING_MS = 1000

/** A pool of ours with so many open connections, whose housekeeper runs on demand. */
export interface HousekeptPool extends MeasuredPool {
  /** One tick of the housekeeper. */
  tick(): void
  /** Makes everything so much older. */
  age(byMs: number): void
}

/** Opens `size` connections, all idle. */
export async function housekeptPool(size: number): Promise<HousekeptPool> {
  let agedMs = 0
  let housekeeping = (): void => {
    throw new Error('no housekeeper has set its timer')
  }
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + agedMs,
    setTimeout(callback, delayMs, keepAlive): TimerHandle {
      if (delayMs !== HOUSEKEEPING_MS) return systemClock.setTimeout(callback, delayMs, keepAlive)
      housekeeping = callback
      return {}
    },
  }
  const pool = connmgr({
    clock,
    healthMonitoring: false,
    connectConcurrency: Math.min(size, 1000),
    leakDetection: { captureStack: 'never' },
  }).open({ size })
  const all = await Promise.all(Array.from({ length: size }, () => pool.acquire()))
  for (const lease of all) pool.release(lease)
  return Object.assign(pool, {
    tick: () => housekeeping(),
    age: (byMs: number) => {
      agedMs += byMs
    },
  })
}
