import type { Histogram } from '@connmgr/core'

/** What has come into a histogram since it was as it had been before. */
export function histogramGrowth(before: Histogram, after: Histogram): Histogram {
  const counted = new Map(before.buckets.map(({ count, fromMs }) => [fromMs, count]))
  const buckets = after.buckets
    .map((each) => ({ ...each, count: each.count - (counted.get(each.fromMs) ?? 0) }))
    .filter(({ count }) => count > 0)
  return { count: after.count - before.count, sumMs: after.sumMs - before.sumMs, buckets }
}
