export type { MeasuredManager, MeasuredManagers } from '@connmgr/metrics'
export { instrument } from './instrument.js'
export type { InstrumentOptions } from './options.js'
