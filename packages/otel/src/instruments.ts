import {
  EVENT_METRICS,
  type EventCounter,
  type EventHistogram,
  type EventRecorder,
  type MetricAttributes,
  type MetricDefinition,
  STATE_METRICS,
  type StateMetric,
} from '@connmgr/metrics'
import {
  type Counter,
  type Histogram,
  type Meter,
  type MetricOptions,
  type Observable,
  ValueType,
} from '@opentelemetry/api'

/** The instruments of one meter. They are made once: a second one of a name would be a conflict. */
export class Instruments implements EventRecorder {
  readonly observables: ReadonlyMap<StateMetric, Observable>
  readonly #counters = new Map<EventCounter, Counter>()
  readonly #histograms = new Map<EventHistogram, Histogram>()

  constructor(meter: Meter) {
    this.observables = new Map(
      entriesOf(STATE_METRICS).map(([key, definition]) => [key, observable(meter, definition)]),
    )
    for (const [key, definition] of entriesOf(EVENT_METRICS)) {
      const { kind, name } = definition
      if (kind === 'counter')
        this.#counters.set(key as EventCounter, meter.createCounter(name, optionsOf(definition)))
      else
        this.#histograms.set(
          key as EventHistogram,
          meter.createHistogram(name, {
            ...optionsOf(definition),
            advice: { explicitBucketBoundaries: [...definition.bounds] },
          }),
        )
    }
  }

  add(metric: EventCounter, attributes: MetricAttributes, value: number): void {
    this.#counters.get(metric)?.add(value, attributes)
  }

  record(metric: EventHistogram, attributes: MetricAttributes, seconds: number): void {
    this.#histograms.get(metric)?.record(seconds, attributes)
  }
}

function observable(meter: Meter, definition: MetricDefinition): Observable {
  const { kind, name } = definition
  const options = optionsOf(definition)
  if (kind === 'counter') return meter.createObservableCounter(name, options)
  if (kind === 'gauge') return meter.createObservableGauge(name, options)
  return meter.createObservableUpDownCounter(name, options)
}

function optionsOf({ description, unit }: MetricDefinition): MetricOptions {
  return { description, unit, valueType: unit === 's' ? ValueType.DOUBLE : ValueType.INT }
}

function entriesOf<M extends object>(metrics: M): [keyof M, M[keyof M]][] {
  return Object.entries(metrics) as [keyof M, M[keyof M]][]
}
