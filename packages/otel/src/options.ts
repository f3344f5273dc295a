import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { MeterProvider } from '@opentelemetry/api'

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** Where the metrics go. `@default` the global one, which the SDK sets when it starts */
  readonly meterProvider?: MeterProvider
  /**
   * Measures each statement too (`db.client.operation.duration`), which costs a little for each. Leave it off where the
   * database's client is instrumented, as by `@opentelemetry/instrumentation-pg`, which shows the same metric: together
   * they would count each statement twice. `@default` false
   */
  readonly operationDuration?: boolean
}

const NAMES = ['meterProvider', 'operationDuration']

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkOptions(options: InstrumentOptions): void {
  rejectUnknownOptions(options, NAMES, 'instrument')
  const { meterProvider, operationDuration } = options
  if (operationDuration !== undefined && typeof operationDuration !== 'boolean')
    throw invalidOption('operationDuration', operationDuration, 'true or false')
  if (meterProvider === undefined) return
  if (typeof (meterProvider as Partial<MeterProvider> | null)?.getMeter !== 'function')
    throw invalidOption('meterProvider', meterProvider, 'a MeterProvider of OpenTelemetry')
}
