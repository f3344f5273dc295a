import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'

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
  /**
   * Makes spans: of each statement, below the span that is active where it is called for, of each transaction, and of waits
   * for a connection. Where the database's client is instrumented already, that makes the spans of statements. `@default` false
   */
  readonly spans?: boolean
  /** Where the spans go. `@default` the global one */
  readonly tracerProvider?: TracerProvider
}

const NAMES = ['meterProvider', 'operationDuration', 'spans', 'tracerProvider']

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkOptions(options: InstrumentOptions): void {
  rejectUnknownOptions(options, NAMES, 'instrument')
  for (const name of ['operationDuration', 'spans'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw invalidOption(name, options[name], 'true or false')
  const { meterProvider, tracerProvider } = options as {
    meterProvider?: Partial<MeterProvider> | null
    tracerProvider?: Partial<TracerProvider> | null
  }
  if (meterProvider !== undefined && typeof meterProvider?.getMeter !== 'function')
    throw invalidOption('meterProvider', meterProvider, 'a MeterProvider of OpenTelemetry')
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function')
    throw invalidOption('tracerProvider', tracerProvider, 'a TracerProvider of OpenTelemetry')
}
