export type { MeasuredManager, MeasuredManagers } from '@connmgr/metrics'
export type { ClientRegistry } from './client-metric.js'
export { type ConnmgrMetrics, connmgrMetrics } from './connmgr-metrics.js'
export type { ConnmgrMetricsOptions } from './options.js'
