import type { History } from '../history.js'
import { applied, isStray, judged, NO_TRAIL, type Trail } from './divergence.js'

const HISTORY: History = {
  covers: (position, written) => Number(position) >= Number(written),
  order: (one, other) => (one > other ? 'newer' : one < other ? 'older' : 'same'),
}

/** The trail of a standby that was at a position at a time. */
const at = (time: number, position: string, startedAt = 'start-1', before = NO_TRAIL): Trail =>
  applied(before, time, position, startedAt)
const judge = (trail: Trail, askedAt: number, position: string, history: string): Trail =>
  judged(trail, { askedAt, position, history }, HISTORY)

test('a standby that was further than the writer has written since has left its history', () => {
  const stray = judge(at(1000, '500'), 2000, '400', '1')
  expect(isStray(stray)).toBe(true)
  expect(isStray(judge(at(1000, '300'), 2000, '400', '1'))).toBe(false)
  // It is found once.
  expect(judge(stray, 3000, '450', '1')).toBe(stray)
})

test('a standby that answered after the writer was asked may merely be quick', () => {
  const quick = judge(at(2100, '500'), 2000, '400', '1')
  expect(isStray(quick)).toBe(false)
  expect(isStray(judge(quick, 2200, '500', '1'))).toBe(false)
})

test('a writer after another promotion judges anew', () => {
  const stray = judge(at(1000, '500'), 2000, '400', '1')
  expect(isStray(stray)).toBe(true)
  const later = judge(stray, 3000, '600', '1')
  expect(isStray(later)).toBe(true)
  expect(isStray(judge(later, 3000, '600', '2'))).toBe(false)
})

test('it has, for as long as it runs, even when the writer has come further; a restart may have rewound it', () => {
  const stray = judge(at(1000, '500'), 2000, '400', '1')
  const later = judge(at(3000, '500', 'start-1', stray), 4000, '900', '1')
  expect(isStray(later)).toBe(true)
  expect(isStray(at(5000, '900', 'start-2', later))).toBe(false)
})

test('one of which nothing is known, as it was promoted, is none', () => {
  expect(judge(NO_TRAIL, 3000, '400', '1')).toBe(NO_TRAIL)
  expect(isStray(NO_TRAIL)).toBe(false)
})
