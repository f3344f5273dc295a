import { countWithin, type DemandHistogram, type Histogram } from '@connmgr/core'
import { ATTRIBUTE, type MetricAttributes } from './attributes.js'
import { DEMAND_BOUNDS } from './demand-metric.js'
import { EVENT_METRICS } from './event-metrics.js'
import type { MeasuredManager } from './measured-manager.js'
import type { SeriesAttributes } from './series-attributes.js'
import type { StateSink } from './state-reading.js'

/** The histograms that a manager keeps by itself. */
export type KeptHistogram = 'createTime' | 'waitTime' | 'useTime' | 'demand'

/** A histogram so far. */
export interface HistogramState {
  /** What each bucket holds without those below it; the last is for what is above all bounds. */
  readonly buckets: readonly number[]
  readonly sum: number
  readonly count: number
}

/** Gets one histogram. */
export type HistogramSink = (
  metric: KeptHistogram,
  attributes: MetricAttributes,
  state: HistogramState,
) => void

/** Reads the histograms that a manager keeps, in seconds, since it was made. Right to within about 6 %. */
export function readHistograms(
  manager: MeasuredManager,
  attributes: SeriesAttributes,
  sink: HistogramSink,
): void {
  for (const { create, demand, endpoint, use, wait } of manager.getHistograms().endpoints) {
    const server = attributes.endpoint(endpoint)
    sink('createTime', server, durations(create, EVENT_METRICS.createTime.bounds))
    sink('waitTime', server, durations(wait, EVENT_METRICS.waitTime.bounds))
    sink('useTime', server, durations(use, EVENT_METRICS.useTime.bounds))
    sink('demand', server, demandState(demand))
  }
}

/** Reads for how long so many connections were wanted, as counters. */
export function readDemandTime(
  manager: MeasuredManager,
  attributes: SeriesAttributes,
  sink: StateSink<'demandTime'>,
): void {
  for (const { demand, endpoint } of manager.getHistograms().endpoints) {
    const server = attributes.endpoint(endpoint)
    demandState(demand).buckets.forEach((seconds, index) => {
      // What never was needs no series.
      if (seconds === 0) return
      const connections = String(DEMAND_BOUNDS[index] ?? 'more')
      sink('demandTime', attributes.extend(server, ATTRIBUTE.connections, connections), seconds)
    })
  }
}

function durations(histogram: Histogram, bounds: readonly number[]): HistogramState {
  let below = 0
  const buckets = bounds.map((bound) => {
    const within = countWithin(histogram, bound * 1000)
    const count = within - below
    below = within
    return count
  })
  const { count, sumMs } = histogram
  return { buckets: [...buckets, count - below], sum: sumMs / 1000, count }
}

function demandState({ levels, totalMs }: DemandHistogram): HistogramState {
  const buckets: number[] = new Array(DEMAND_BOUNDS.length + 1).fill(0)
  let sumMs = 0
  for (const { connections, ms } of levels) {
    const found = DEMAND_BOUNDS.findIndex((bound) => connections <= bound)
    const index = found === -1 ? DEMAND_BOUNDS.length : found
    buckets[index] = (buckets[index] as number) + ms / 1000
    sumMs += connections * ms
  }
  return { buckets, sum: sumMs / 1000, count: totalMs / 1000 }
}
