import {
  DEMAND_METRIC,
  EVENT_METRICS,
  type EventMetric,
  type MetricAttributes,
  type MetricDefinition,
  STATE_METRICS,
  type StateMetric,
} from '@connmgr/metrics'

/** A metric with all its series, as Prometheus knows it. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** How the values of the processes of a cluster are combined. */
  readonly aggregator: 'sum' | 'max'
  /** Names of the labels that its series may have. */
  readonly labels: readonly string[]
  /** Upper bounds of the buckets of a histogram, without infinity. */
  readonly bounds: readonly number[]
}

export type MetricKey = Exclude<StateMetric, 'demandTime'> | EventMetric | 'demand'

/** `demandTime` is `demand` for those who cannot have a histogram of it. */
const { demandTime: _, ...stateMetrics } = STATE_METRICS

/** In Prometheus the suffix `_count` belongs to histograms, and `promtool check metrics` refuses it elsewhere. */
const RENAMED: Readonly<Record<string, string>> = {
  db_client_connection_count: 'db_client_connection_open',
}

/** All metrics, in the order in which they are shown. */
export const FAMILIES: ReadonlyMap<MetricKey, Family> = new Map(
  (
    Object.entries({ ...stateMetrics, demand: DEMAND_METRIC, ...EVENT_METRICS }) as [
      MetricKey,
      MetricDefinition,
    ][]
  ).map(([key, definition]) => [key, familyOf(definition)]),
)

/**
 * The family that OpenTelemetry's exporters for Prometheus make of a metric, save for one name, so that dashboards and
 * rules fit both ways: dots become underscores, the unit and `_total` are appended.
 */
function familyOf({
  attributes,
  bounds = [],
  description,
  kind,
  name,
  unit,
}: MetricDefinition): Family {
  const seconds = unit === 's' ? '_seconds' : ''
  const total = kind === 'counter' ? '_total' : ''
  const exported = `${sanitize(name)}${seconds}${total}`
  return {
    name: RENAMED[exported] ?? exported,
    // Marks of code mean nothing there.
    help: description.replaceAll('`', ''),
    type: kind === 'upDownCounter' ? 'gauge' : kind,
    aggregator: kind === 'gauge' ? 'max' : 'sum',
    labels: attributes.map(sanitize),
    bounds,
  }
}

/** The labels that a series has for its attributes. */
export function labelsOf(attributes: MetricAttributes): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [sanitize(name), String(value)]),
  )
}

function sanitize(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_')
}
