import { type MetricAttributes, STATE_METRICS, type StateMetric } from '@connmgr/metrics'

/** The value of one series, by a key of its attributes. */
interface Series {
  readonly metric: StateMetric
  readonly attributes: MetricAttributes
  value: number
}

/** What one manager showed when it was read last. */
export type Contribution = Map<string, Series>

/**
 * Adds up what managers show, so that no series goes wrong when one is gone.
 *
 * The SDK shows a series that is no longer observed with its last value for ever. So a number that may fall is observed
 * once more, as 0. A counter keeps what gone managers have counted: another one may continue the series, and a counter
 * that fell would count that twice.
 */
export class SeriesBook {
  readonly #keys = new WeakMap<MetricAttributes, string>()
  /** What gone managers have counted. */
  readonly #counted = new Map<string, Series>()
  #shown: ReadonlyMap<string, Series> = new Map()

  /** Notes one value of a manager. */
  note(
    contribution: Contribution,
    metric: StateMetric,
    attributes: MetricAttributes,
    value: number,
  ): void {
    contribution.set(this.#keyOf(metric, attributes), { metric, attributes, value })
  }

  /** Keeps the counters of a manager that is gone. */
  keep(contribution: Contribution): void {
    for (const [key, series] of contribution)
      if (isCounter(series)) addTo(this.#counted, key, series)
  }

  /** Undoes `keep`, as the manager is back. */
  unkeep(contribution: Contribution): void {
    for (const [key, series] of contribution)
      if (isCounter(series)) addTo(this.#counted, key, { ...series, value: -series.value })
  }

  /** What to observe now, given what each manager shows. */
  sum(contributions: Iterable<Contribution>): Iterable<Series> {
    const sums = new Map<string, Series>()
    for (const contribution of [this.#counted, ...contributions])
      for (const [key, series] of contribution) addTo(sums, key, series)
    const gone = [...this.#shown].filter(([key, { value }]) => !sums.has(key) && value !== 0)
    this.#shown = sums
    return [...sums.values(), ...gone.map(([, series]) => ({ ...series, value: 0 }))]
  }

  #keyOf(metric: StateMetric, attributes: MetricAttributes): string {
    let text = this.#keys.get(attributes)
    if (text === undefined) {
      text = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
      this.#keys.set(attributes, text)
    }
    return `${metric} ${text}`
  }
}

function isCounter({ metric }: Series): boolean {
  return STATE_METRICS[metric].kind === 'counter'
}

function addTo(sums: Map<string, Series>, key: string, series: Series): void {
  const sum = sums.get(key)
  if (sum === undefined) sums.set(key, { ...series })
  else sum.value += series.value
}
