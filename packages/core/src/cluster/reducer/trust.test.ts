import { relapsesAfter, stableMs } from './trust.js'

test('each relapse doubles the time it must be healthy, up to ten minutes; a late fall starts over', () => {
  let relapses = relapsesAfter({ flaps: 0, trustedAt: undefined }, 'UP', 'DOWN', 5, 1000)
  expect(stableMs(relapses, 1000)).toBe(1000)
  const fallAfter = (ms: number): number => {
    relapses = relapsesAfter(relapses, 'PROBATION', 'UP', 0, 1000)
    relapses = relapsesAfter(relapses, 'SUSPECT', 'DOWN', ms, 1000)
    return stableMs(relapses, 1000)
  }
  expect([fallAfter(10), fallAfter(10)]).toEqual([2000, 4000])
  for (let i = 0; i < 20; i += 1) fallAfter(10)
  expect(stableMs(relapses, 1000)).toBe(600_000)
  expect(fallAfter(600_000)).toBe(1000)
})
