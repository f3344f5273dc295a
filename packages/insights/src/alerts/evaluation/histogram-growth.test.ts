import { type Histogram, mergeHistograms } from '@connmgr/core'
import fc from 'fast-check'
import { histogramGrowth } from './histogram-growth.js'

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
