import {
  demandQuantile,
  type Histogram,
  histogramQuantile,
  type PoolHistograms,
} from './histogram.js'

/** The percentiles of a pool that people look at, in milliseconds; null for what has not happened yet. */
export interface PoolPercentiles {
  /** From acquire to lending. */
  readonly waitP50Ms: number | null
  readonly waitP99Ms: number | null
  /** For how long connections were held. */
  readonly useP50Ms: number | null
  readonly useP99Ms: number | null
  /** From the start of a connect until the connection could be lent. */
  readonly createP99Ms: number | null
  /** Connections that were enough for 99 % of the time; null if that was not measured yet. */
  readonly demandP99: number | null
}

/**
 * Reads the usual percentiles, for a page or a report. Plain data, safe for JSON.
 *
 * @example
 * const { waitP99Ms } = percentilesOf(manager.getHistograms())
 */
export function percentilesOf({ create, demand, use, wait }: PoolHistograms): PoolPercentiles {
  const at = (histogram: Histogram, share: number) => orNull(histogramQuantile(histogram, share))
  return {
    waitP50Ms: at(wait, 0.5),
    waitP99Ms: at(wait, 0.99),
    useP50Ms: at(use, 0.5),
    useP99Ms: at(use, 0.99),
    createP99Ms: at(create, 0.99),
    demandP99: demand.totalMs === 0 ? null : orNull(demandQuantile(demand, 0.99)),
  }
}

/** JSON has no NaN. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
