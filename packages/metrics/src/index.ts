export { ATTRIBUTE, type MetricAttributes } from './attributes.js'
export { DEMAND_METRIC } from './demand-metric.js'
export {
  EVENT_METRICS,
  type EventCounter,
  type EventHistogram,
  type EventMetric,
} from './event-metrics.js'
export { type EventRecorder, recordEvents } from './event-recording.js'
export {
  type HistogramSink,
  type HistogramState,
  type KeptHistogram,
  readDemandTime,
  readHistograms,
} from './histogram-reading.js'
export { listManagers, type MeasuredManagers } from './managers.js'
export type { MeasuredManager } from './measured-manager.js'
export { DURATION_BOUNDS, type MetricDefinition, type MetricKind } from './metric-definition.js'
export { recordOperations } from './operation-recording.js'
export { poolNameOf } from './pool-names.js'
export { SeriesAttributes } from './series-attributes.js'
export { STATE_METRICS, type StateMetric } from './state-metrics.js'
export { readState, type StateSink } from './state-reading.js'
