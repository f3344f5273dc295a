import { FakeClock } from '@connmgr/testing'
import { FAILOVER_DEFAULTS } from './options.js'
import { urgentPaceMs, WriterSearch } from './writer-search.js'

function search() {
  const clock = new FakeClock()
  const failed: [attempt: number, final: boolean, at: number][] = []
  const knobs = { ...FAILOVER_DEFAULTS, failoverTimeoutMs: 100, retryAttempts: 3, retryDelayMs: 10 }
  const writerSearch = new WriterSearch(knobs, clock, (attempt, final) =>
    failed.push([attempt, final, clock.now()]),
  )
  return { clock, failed, writerSearch }
}

test('counts its attempts, pauses ever longer between them, and goes on after the last', async () => {
  const { clock, failed, writerSearch } = search()
  writerSearch.start()
  await clock.advance(1000)
  expect(failed.map(([attempt, final]) => [attempt, final])).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ])
  const [first, second, third] = failed.map(([, , at]) => at) as [number, number, number]
  expect(first).toBe(100)
  expect(second - first).toBeGreaterThanOrEqual(100)
  expect(second - first).toBeLessThanOrEqual(110)
  expect(third - second).toBeLessThanOrEqual(120)
  expect(writerSearch).toMatchObject({ running: true, exhausted: true, durationMs: 1000 })
})

test('a search that succeeds fails no more, and the next one starts anew', async () => {
  const { clock, failed, writerSearch } = search()
  writerSearch.start()
  await clock.advance(50)
  writerSearch.stop()
  await clock.advance(1000)
  expect(failed).toEqual([])
  expect(writerSearch).toMatchObject({ running: false, exhausted: false, durationMs: 0 })
  writerSearch.start()
  writerSearch.start()
  await clock.advance(100)
  expect(failed).toEqual([[1, false, 1150]])
})

test('a young search asks often, and an old one at the pace that is configured', () => {
  const paces = [0, 100, 200, 500, 1000, 60_000].map((ms) => urgentPaceMs(ms, 100))
  expect(paces).toEqual([20, 20, 20, 50, 100, 100])
  expect(urgentPaceMs(0, 10)).toBe(10)
})
