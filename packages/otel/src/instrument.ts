import { listManagers, type MeasuredManagers } from '@connmgr/metrics'
import { createNoopMeter, diag, type MeterProvider, metrics } from '@opentelemetry/api'
import { exporterOf } from './exporter.js'
import { checkOptions, type InstrumentOptions } from './options.js'

/**
 * Shows connection managers as metrics of OpenTelemetry, by the semantic conventions of database clients. Returns the
 * function that ends it.
 *
 * Each manager is a pool of its own in `db.client.connection.pool.name`, also beside others of the same name or database.
 * A manager that closes is no longer shown, and one that is instrumented twice is shown once.
 *
 * @param managers one, several, or a function that names those there are now. `@default` all managers of the process, also
 * those that are made later. What their events tell is counted from when they are first seen
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const stop = instrument(manager, { meterProvider })
 */
export function instrument(
  managers?: MeasuredManagers,
  options: InstrumentOptions = {},
): () => void {
  checkOptions(options)
  const list = listManagers(managers)
  const provider = options.meterProvider ?? globalProvider()
  return exporterOf(provider).add({ list, operations: options.operationDuration ?? false })
}

function globalProvider(): MeterProvider {
  const provider = metrics.getMeterProvider()
  if (provider.getMeter('') === createNoopMeter()) {
    diag.warn(
      'connmgr: instrument() was called before a MeterProvider was set, so nothing is measured; start the SDK first, or pass the option "meterProvider"',
    )
  }
  return provider
}
