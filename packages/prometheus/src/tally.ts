import {
  EVENT_METRICS,
  type EventCounter,
  type EventHistogram,
  type EventRecorder,
  type HistogramState,
  type MetricAttributes,
} from '@connmgr/metrics'

interface MutableHistogram extends HistogramState {
  readonly buckets: number[]
  sum: number
  count: number
}

/** Adds up the events of one manager. */
export class Tally implements EventRecorder {
  readonly #counters = new Map<EventCounter, Map<MetricAttributes, number>>()
  readonly #histograms = new Map<EventHistogram, Map<MetricAttributes, MutableHistogram>>()

  add(metric: EventCounter, attributes: MetricAttributes, value: number): void {
    const series = seriesOf(this.#counters, metric)
    series.set(attributes, (series.get(attributes) ?? 0) + value)
  }

  record(metric: EventHistogram, attributes: MetricAttributes, seconds: number): void {
    const series = seriesOf(this.#histograms, metric)
    const bounds: readonly number[] = EVENT_METRICS[metric].bounds
    let histogram = series.get(attributes)
    if (histogram === undefined) {
      // The last one is for what is above all bounds.
      histogram = { buckets: new Array(bounds.length + 1).fill(0), sum: 0, count: 0 }
      series.set(attributes, histogram)
    }
    const found = bounds.findIndex((bound) => seconds <= bound)
    const index = found === -1 ? bounds.length : found
    histogram.buckets[index] = (histogram.buckets[index] as number) + 1
    histogram.sum += seconds
    histogram.count += 1
  }

  eachCounter(
    visit: (metric: EventCounter, attributes: MetricAttributes, value: number) => void,
  ): void {
    for (const [metric, series] of this.#counters)
      for (const [attributes, value] of series) visit(metric, attributes, value)
  }

  eachHistogram(
    visit: (metric: EventHistogram, attributes: MetricAttributes, state: HistogramState) => void,
  ): void {
    for (const [metric, series] of this.#histograms)
      for (const [attributes, state] of series) visit(metric, attributes, state)
  }
}

function seriesOf<K, V>(
  metrics: Map<K, Map<MetricAttributes, V>>,
  metric: K,
): Map<MetricAttributes, V> {
  let series = metrics.get(metric)
  if (series === undefined) {
    series = new Map()
    metrics.set(metric, series)
  }
  return series
}
