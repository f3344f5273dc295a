import { listManagers, type MeasuredManagers } from '@connmgr/metrics'
import {
  createNoopMeter,
  diag,
  type MeterProvider,
  metrics,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { exporterOf, INSTRUMENTATION_NAME } from './exporter.js'
import { checkOptions, type InstrumentOptions } from './options.js'

/**
 * Shows connection managers as metrics of OpenTelemetry, and if wanted their statements as spans, by the semantic conventions
 * of database clients. Returns the function that ends it.
 *
 * Each manager is a pool of its own in `db.client.connection.pool.name`, also beside others of the same name or database.
 * A manager that closes is no longer shown, and one that is instrumented twice is shown once.
 *
 * @param managers one, several, or a function that names those there are now. `@default` all managers of the process, also
 * those that are made later. What their events tell is counted from when they are first seen
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const stop = instrument(manager, { meterProvider, spans: true })
 */
export function instrument(
  managers?: MeasuredManagers,
  options: InstrumentOptions = {},
): () => void {
  checkOptions(options)
  const list = listManagers(managers)
  const tracer = tracerOf(options)
  const provider = options.meterProvider ?? globalProvider(tracer !== undefined)
  return exporterOf(provider).add({ list, operations: options.operationDuration ?? false, tracer })
}

function tracerOf({ spans = false, tracerProvider }: InstrumentOptions): Tracer | undefined {
  return spans
    ? (tracerProvider ?? trace.getTracerProvider()).getTracer(INSTRUMENTATION_NAME)
    : undefined
}

/** @param optional whether it is for spans too, which need none */
function globalProvider(optional: boolean): MeterProvider {
  const provider = metrics.getMeterProvider()
  if (!optional && provider.getMeter('') === createNoopMeter()) {
    diag.warn(
      'connmgr: instrument() was called before a MeterProvider was set, so nothing is measured; start the SDK first, or pass the option "meterProvider"',
    )
  }
  return provider
}
