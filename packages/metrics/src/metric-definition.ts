/**
 * - `upDownCounter`: a number that rises and falls, and whose sum over servers and processes means something
 * - `gauge`: a number whose sum means nothing
 * - `counter`: a number that only rises
 * - `histogram`: how a duration is distributed
 */
export type MetricKind = 'upDownCounter' | 'gauge' | 'counter' | 'histogram'

/** One metric, as all exporters publish it. */
export interface MetricDefinition {
  /** Its name in OpenTelemetry. */
  readonly name: string
  readonly kind: MetricKind
  /** A unit of UCUM: `s`, or `{connection}` for things that are counted. */
  readonly unit: string
  readonly description: string
  /** The attributes that its series may have. */
  readonly attributes: readonly string[]
  /** Upper bounds of the buckets of a histogram. */
  readonly bounds?: readonly number[]
}

/** The bounds that the semantic conventions advise for durations, in seconds. */
export const DURATION_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const
/** The same for what may take minutes. */
export const LONG_BOUNDS = [...DURATION_BOUNDS, 30, 60, 300] as const
