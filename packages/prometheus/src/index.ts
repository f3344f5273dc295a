export type { MeasuredManager, MeasuredManagers } from '@connmgr/core/driver'
export type { ClientRegistry } from './client-metric.js'
export { type ConnmgrMetrics, connmgrMetrics } from './connmgr-metrics.js'
export type { ConnmgrMetricsOptions } from './options.js'
