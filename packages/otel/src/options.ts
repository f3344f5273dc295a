import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { MeterProvider } from '@opentelemetry/api'

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** Where the metrics go. `@default` the global one, which the SDK sets when it starts */
  readonly meterProvider?: MeterProvider
}

const NAMES = ['meterProvider']

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkOptions(options: InstrumentOptions): void {
  rejectUnknownOptions(options, NAMES, 'instrument')
  const { meterProvider } = options
  if (meterProvider === undefined) return
  if (typeof (meterProvider as Partial<MeterProvider> | null)?.getMeter !== 'function')
    throw invalidOption('meterProvider', meterProvider, 'a MeterProvider of OpenTelemetry')
}
