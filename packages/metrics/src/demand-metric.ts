import { SERVER } from './attributes.js'
import type { MetricDefinition } from './metric-definition.js'

/** Bounds for numbers of connections. */
export const DEMAND_BOUNDS = [
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000,
] as const

/**
 * A histogram of time instead of events: its buckets hold for how many seconds so many connections were wanted, its count
 * all seconds, its sum connections times seconds. For Prometheus; OpenTelemetry's instruments cannot take it, and have
 * `demandTime`.
 */
export const DEMAND_METRIC = {
  name: 'connmgr.connection.demand',
  kind: 'histogram',
  unit: '{connection}',
  description:
    'Connections that were wanted at once, in use or waited for, over time: each bucket counts seconds.',
  attributes: SERVER,
  bounds: DEMAND_BOUNDS,
} as const satisfies MetricDefinition
