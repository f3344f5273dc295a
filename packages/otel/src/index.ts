export type { MeasuredManager, MeasuredManagers } from '@connmgr/core/driver'
export { instrument } from './instrument.js'
export type { InstrumentOptions } from './options.js'
