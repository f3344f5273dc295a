import { fails, play, rulesOf, unseenCluster } from '../../../test/observed-cluster.js'
import type { Observation } from './observations.js'
import { reduce } from './reduce.js'
import { searchingMs, urgentPaceMs } from './search.js'

const RULES = rulesOf('role', { failoverTimeoutMs: 100, retryAttempts: 3, retryDelayMs: 10 })
const ELAPSED: Observation = { type: 'elapsed', timer: 'search' }
const LOST: readonly Observation[] = [{ type: 'started' }, fails('a'), { type: 'roundOver' }]

/** A search after its timer has been over so many times. */
const searchAfter = (elapsed: number) => {
  const history = [...LOST, ...Array.from({ length: elapsed }, () => ELAPSED)]
  return play(reduce, RULES, unseenCluster(['a'], RULES), history)
}

test('counts its attempts, pauses ever longer between them, and goes on after the last', () => {
  const { all, view } = searchAfter(5)
  expect(all.filter((each) => each.type === 'arm' && each.timer === 'search')).toEqual([
    { type: 'arm', timer: 'search', delayMs: 100 },
    { type: 'arm', timer: 'search', delayMs: 10, jitter: true },
    { type: 'arm', timer: 'search', delayMs: 100 },
    { type: 'arm', timer: 'search', delayMs: 20, jitter: true },
    { type: 'arm', timer: 'search', delayMs: 100 },
  ])
  const failures = all.filter(
    (each) => each.type === 'emit' && each.event.type === 'failoverFailed',
  )
  expect(failures).toMatchObject([1, 2, 3].map((attempt) => ({ event: { attempt } })))
  expect(view.search).toMatchObject({ attempt: 3, phase: 'exhausted' })
  expect(searchingMs(view.search, 1000)).toBe(1000 - (view.search?.startedAt ?? 0))
  expect(searchAfter(6).effects).toEqual([])
})

test('a search that succeeds fails no more, and the next one starts anew', () => {
  const found: Observation = {
    type: 'probed',
    id: 'a',
    outcome: {
      ok: true,
      durationMs: 1,
      askedAt: 0,
      fresh: true,
      result: { role: 'primary', writable: true },
    },
  }
  const view = unseenCluster(['a'], RULES)
  const ended = play(reduce, RULES, view, [...LOST, ELAPSED, found])
  expect(ended.view.search).toBeUndefined()
  expect(ended.effects).toContainEqual({ type: 'disarm', timer: 'search' })
  expect(searchingMs(ended.view.search, 1000)).toBe(0)
  const late = play(reduce, RULES, view, [...LOST, ELAPSED, found, ELAPSED])
  expect(late.effects).toEqual([])
  const anew = play(reduce, RULES, view, [...LOST, ELAPSED, found, fails('a'), fails('a')])
  expect(anew.view.search).toMatchObject({ attempt: 1, phase: 'trying' })
})

test('a young search asks often, and an old one at the pace that is configured', () => {
  const paces = [0, 100, 200, 500, 1000, 60_000].map((ms) => urgentPaceMs(ms, 100))
  expect(paces).toEqual([20, 20, 20, 50, 100, 100])
  expect(urgentPaceMs(0, 10)).toBe(10)
})
