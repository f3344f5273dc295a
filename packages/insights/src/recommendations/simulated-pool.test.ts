import { histogramQuantile } from '@connmgr/core'
import { FakeClock } from '@connmgr/testing'
import { fakeManager } from '../../test/alerts/watched.js'
import { snapshot } from '../../test/recommendations/healthy.js'
import { type PoolFacts, poolFacts } from './facts.js'
import { recommendations } from './recommendations.js'

const MEAN_HELD_MS = 100
const LASTS_MS = 70_000

/** What a pool has measured whose callers come at random, so many a second, and hold a connection for 100 ms on average. */
async function simulate(limit: number, perSecond: number, seed: number): Promise<PoolFacts> {
  const clock = new FakeClock({ seed })
  const manager = fakeManager(clock, {
    poolSize: limit,
    maxOverflow: 0,
    acquireTimeoutMs: 3_600_000,
  })
  const after = (meanMs: number): number => Math.max(1, -Math.log(1 - clock.random()) * meanMs)
  const work = async (): Promise<void> => {
    const lease = await manager.acquire()
    clock.setTimeout(() => lease.release(), after(MEAN_HELD_MS))
  }
  const arrive = (): void => {
    void work()
    if (clock.now() < LASTS_MS) clock.setTimeout(arrive, after(1000 / perSecond))
  }
  arrive()
  await clock.advance(LASTS_MS)
  const facts = poolFacts(manager)
  await clock.advance(600_000)
  const closing = manager.close({ drainTimeoutMs: 1 })
  await clock.advance(5000)
  await closing
  return facts
}

test.each([
  [3, 28, 1],
  [2, 19, 2],
  [4, 45, 3],
])(
  'a pool of %d for %d callers a second is too small, and the size that is recommended ends the waiting',
  async (limit, perSecond, seed) => {
    const [first] = recommendations(snapshot(), { pool: await simulate(limit, perSecond, seed) })
    expect(first?.code).toBe('pool-too-small')
    const size = Number(/to (\d+) together/.exec(first?.fix ?? '')?.[1])
    const load = (perSecond * MEAN_HELD_MS) / 1000
    expect(size).toBeGreaterThan(Math.max(limit, load))
    expect(size).toBeLessThanOrEqual(4 * load + 4)
    const after = await simulate(size, perSecond, seed + 10)
    expect(recommendations(snapshot(), { pool: after })).toEqual([])
    expect(histogramQuantile(after.histograms.wait, 0.95)).toBeLessThan(10)
  },
)

test('a pool that is large enough is left alone', async () => {
  for (const [limit, perSecond] of [
    [10, 30],
    [6, 12],
  ] as const)
    expect(recommendations(snapshot(), { pool: await simulate(limit, perSecond, 5) })).toEqual([])
})
