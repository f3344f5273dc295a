import type { QueryContext } from '@connmgr/core'
import { isError } from '@connmgr/core/driver'
import { ATTRIBUTE, type MetricAttributes } from './attributes.js'
import type { EventRecorder } from './event-recording.js'
import type { MeasuredManager } from './measured-manager.js'
import type { SeriesAttributes } from './series-attributes.js'

/** Records how long the statements of a manager run, from now on. Returns the function that stops it. */
export function recordOperations(
  manager: MeasuredManager,
  attributes: SeriesAttributes,
  recorder: Pick<EventRecorder, 'record'>,
): () => void {
  return manager.observeQueries({
    ended: (context) => {
      // One that was never sent was no operation of the database.
      if (context.runMs === undefined || neverSent(context)) return
      recorder.record('operation', seriesOf(context, attributes), context.runMs / 1000)
    },
  })
}

function neverSent({ error, runMs }: QueryContext): boolean {
  return error !== undefined && runMs === 0
}

function seriesOf(
  { database, endpoint, error }: QueryContext,
  attributes: SeriesAttributes,
): MetricAttributes {
  const server = endpoint === undefined ? attributes.pool : attributes.endpoint(endpoint)
  const series = attributes.extend(server, ATTRIBUTE.system, database)
  return error === undefined ? series : attributes.extend(series, ATTRIBUTE.error, typeOf(error))
}

/** The code of the database, where the error has one. Never its message, which may quote values. */
function typeOf(error: unknown): string {
  if (!isError(error)) return '_OTHER'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code !== '' ? code : error.name
}
