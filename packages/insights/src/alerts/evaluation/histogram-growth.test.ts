import { type Histogram, mergeDemand, mergeHistograms } from '@connmgr/core'
import fc from 'fast-check'
import { demandGrowth, histogramGrowth } from './histogram-growth.js'

const HISTOGRAM = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 8 }).chain((froms) =>
  fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: froms.length, maxLength: froms.length })
    .map((counts): Histogram => {
      const buckets = froms
        .map((fromMs, index) => ({ fromMs, toMs: fromMs + 1, count: counts[index] as number }))
        .sort((a, b) => a.fromMs - b.fromMs)
      const count = counts.reduce((sum, each) => sum + each, 0)
      return { count, sumMs: count * 3, buckets }
    }),
)

test('what has come into a histogram is what it must be merged with to give what it is now', () => {
  fc.assert(
    fc.property(HISTOGRAM, HISTOGRAM, (before, more) => {
      expect(histogramGrowth(before, mergeHistograms(before, more))).toEqual(more)
    }),
  )
})

test('the growth of a demand is what was measured since', () => {
  const before = {
    totalMs: 30,
    levels: [
      { connections: 0, ms: 20 },
      { connections: 2, ms: 10 },
    ],
  }
  const more = {
    totalMs: 12,
    levels: [
      { connections: 1, ms: 5 },
      { connections: 2, ms: 7 },
    ],
  }
  expect(demandGrowth(before, mergeDemand(before, more))).toEqual(more)
  expect(demandGrowth(before, before)).toEqual({ totalMs: 0, levels: [] })
})
