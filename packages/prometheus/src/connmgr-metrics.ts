import type { MeasuredManagers } from '@connmgr/metrics'
import { ClientMetric, type ClientRegistry } from './client-metric.js'
import { Collector } from './collector.js'
import { FAMILIES } from './family.js'
import { type ConnmgrMetricsOptions, resolveOptions } from './options.js'
import { CONTENT_TYPE, renderText } from './text-format.js'

/** The metrics of connection managers, for Prometheus. */
export interface ConnmgrMetrics {
  /** The media type of `metrics()`, for the header `Content-Type`. */
  readonly contentType: string
  /** All metrics as they are now, in Prometheus's text format. */
  metrics(): string
  /**
   * Adds the metrics to a registry of prom-client or of @prometheus-io/client, which shows them from then on with its
   * own. Returns the function that takes them out again.
   *
   * @throws Error of the registry if it has one of these metrics already; then it gets none of them
   */
  register(registry: ClientRegistry): () => void
  /** Stops counting; `metrics()` is empty from then on. Managers that close are left out without it. */
  stop(): void
}

/**
 * Shows the metrics of connection managers to Prometheus: by itself, or in a registry of a client library.
 *
 * Each manager is a pool of its own in the label `db_client_connection_pool_name`, also beside others of the same name
 * or database. Managers that are closed are left out.
 *
 * @param managers one, several, or a function that names those there are now. `@default` all managers of the process, also
 * those that are made later. What their events tell is counted from when they are first seen
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const metrics = connmgrMetrics(manager)
 * app.get('/metrics', (_request, response) => response.type(metrics.contentType).send(metrics.metrics()))
 */
export function connmgrMetrics(
  managers?: MeasuredManagers,
  options: ConnmgrMetricsOptions = {},
): ConnmgrMetrics {
  const { operationDuration } = resolveOptions(options)
  const collector = new Collector(managers, operationDuration)
  return {
    contentType: CONTENT_TYPE,
    metrics: () => renderText(FAMILIES.values(), collector.take()),
    register: (registry) => addTo(registry, collector),
    stop: () => collector.stop(),
  }
}

function addTo(registry: ClientRegistry, collector: Collector): () => void {
  const added: ClientMetric[] = []
  const remove = () => {
    for (const { name } of added.splice(0)) registry.removeSingleMetric(name)
  }
  try {
    for (const family of FAMILIES.values()) {
      const metric = new ClientMetric(family, () => collector.share())
      registry.registerMetric(metric)
      added.push(metric)
    }
  } catch (error) {
    remove()
    throw error
  }
  return remove
}
