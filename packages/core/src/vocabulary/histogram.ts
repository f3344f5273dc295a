/** How often durations fell into a range. */
export interface HistogramBucket {
  readonly fromMs: number
  /** Not part of the range; `Infinity` for the last of all. */
  readonly toMs: number
  readonly count: number
}

/**
 * Durations, counted in ranges that grow with them: each is an eighth of the power of two that it lies in, so that what is
 * read from one is right to within about 6 %. Plain data, the same ranges everywhere: those of several processes can be
 * added with {@link mergeHistograms}.
 */
export interface Histogram {
  readonly count: number
  readonly sumMs: number
  /** Those that are not empty, shortest first. */
  readonly buckets: readonly HistogramBucket[]
}

/**
 * For how long so many connections were wanted at once: in use, or waited for. It answers what the average hides: how large
 * a pool must be to have no caller wait for all but one per cent of the time, for example.
 */
export interface DemandHistogram {
  /** How long it was measured. */
  readonly totalMs: number
  /** Fewest first; without those that never were. The highest counts for all above it, too. */
  readonly levels: readonly { readonly connections: number; readonly ms: number }[]
}

/** What a pool has measured since it was made. */
export interface PoolHistograms {
  /** From acquire to lending, of successful acquires. */
  readonly wait: Histogram
  /** For how long leases were held. */
  readonly use: Histogram
  /** From the start of a connect until the connection could be lent. */
  readonly create: Histogram
  readonly demand: DemandHistogram
  /** The part of the demand that waits: for how long so many callers waited at once. */
  readonly unmetDemand: DemandHistogram
}

/** What a manager has measured since it was made: of all its endpoints together, and of each. */
export interface ManagerHistograms extends PoolHistograms {
  /** Those in service, the preferred one first. The manager's own have those that have left, too. */
  readonly endpoints: readonly (PoolHistograms & { readonly endpoint: string })[]
}

/** The durations of several histograms taken as one. */
export function mergeHistograms(...histograms: readonly Histogram[]): Histogram {
  const merged = new Map<number, HistogramBucket>()
  for (const { buckets } of histograms) {
    for (const bucket of buckets) {
      const count = bucket.count + (merged.get(bucket.fromMs)?.count ?? 0)
      merged.set(bucket.fromMs, { ...bucket, count })
    }
  }
  return {
    count: histograms.reduce((sum, each) => sum + each.count, 0),
    sumMs: histograms.reduce((sum, each) => sum + each.sumMs, 0),
    buckets: [...merged.values()].sort((a, b) => a.fromMs - b.fromMs),
  }
}

/**
 * The times of several measurements of demand taken together, as of one pool in one hour and in the next. It is not the
 * demand of several pools at once.
 */
export function mergeDemand(...histograms: readonly DemandHistogram[]): DemandHistogram {
  const merged = new Map<number, number>()
  for (const { levels } of histograms)
    for (const { connections, ms } of levels)
      merged.set(connections, ms + (merged.get(connections) ?? 0))
  return {
    totalMs: histograms.reduce((sum, each) => sum + each.totalMs, 0),
    levels: [...merged]
      .map(([connections, ms]) => ({ connections, ms }))
      .sort((a, b) => a.connections - b.connections),
  }
}

/**
 * The duration that a share of all is not longer than; `NaN` of an empty histogram.
 *
 * @param share from 0 to 1: 0.99 for the 99th percentile
 */
export function histogramQuantile({ buckets, count }: Histogram, share: number): number {
  const wanted = share * count
  let below = 0
  for (const { count, fromMs, toMs } of buckets) {
    if (below + count >= wanted) {
      const part = count === 0 ? 0 : Math.max(0, wanted - below) / count
      return Number.isFinite(toMs) ? fromMs + part * (toMs - fromMs) : fromMs
    }
    below += count
  }
  return Number.NaN
}

/** How many durations are not longer than a limit, for buckets such as those of Prometheus. Right to within a bucket. */
export function countWithin({ buckets }: Histogram, limitMs: number): number {
  let within = 0
  for (const { count, fromMs, toMs } of buckets) {
    if (toMs <= limitMs) within += count
    else {
      const part = Number.isFinite(toMs) ? (limitMs - fromMs) / (toMs - fromMs) : 0
      return Math.round(within + count * Math.max(0, part))
    }
  }
  return within
}

/** The share of the time, from 0 to 1, in which at least so many connections were wanted; `NaN` if nothing was measured. */
export function demandShare({ levels, totalMs }: DemandHistogram, connections: number): number {
  const ms = levels.reduce((sum, each) => sum + (each.connections >= connections ? each.ms : 0), 0)
  return ms / totalMs
}

/** The connections that were enough for a share of the time; `NaN` if nothing was measured. @param share from 0 to 1 */
export function demandQuantile({ levels, totalMs }: DemandHistogram, share: number): number {
  let ms = 0
  for (const level of levels) {
    ms += level.ms
    // Sums of fractions drift.
    if (ms >= share * totalMs * (1 - 1e-9)) return level.connections
  }
  return Number.NaN
}
