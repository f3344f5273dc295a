import type { DemandHistogram, Histogram } from '@connmgr/core'

/** What has come into a histogram since it was as it had been before. */
export function histogramGrowth(before: Histogram, after: Histogram): Histogram {
  const counted = new Map(before.buckets.map(({ count, fromMs }) => [fromMs, count]))
  const buckets = after.buckets
    .map((each) => ({ ...each, count: each.count - (counted.get(each.fromMs) ?? 0) }))
    .filter(({ count }) => count > 0)
  return { count: after.count - before.count, sumMs: after.sumMs - before.sumMs, buckets }
}

/** What was measured of demand since it was as it had been before. */
export function demandGrowth(before: DemandHistogram, after: DemandHistogram): DemandHistogram {
  const measured = new Map(before.levels.map(({ connections, ms }) => [connections, ms]))
  const levels = after.levels
    .map(({ connections, ms }) => ({ connections, ms: ms - (measured.get(connections) ?? 0) }))
    .filter(({ ms }) => ms > 0)
  return { totalMs: after.totalMs - before.totalMs, levels }
}
