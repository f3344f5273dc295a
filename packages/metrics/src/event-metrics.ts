import { ATTRIBUTE, POOL, SERVER } from './attributes.js'
import {
  DURATION_BOUNDS,
  LONG_BOUNDS,
  type MetricDefinition,
  type MetricKind,
} from './metric-definition.js'

/**
 * What the events of a manager tell, counted and measured as they happen. The first three a manager measures itself too,
 * see `readHistograms`.
 */
export const EVENT_METRICS = {
  createTime: {
    name: 'db.client.connection.create_time',
    kind: 'histogram',
    unit: 's',
    description: 'How long it took to open a connection.',
    attributes: SERVER,
    bounds: DURATION_BOUNDS,
  },
  waitTime: {
    name: 'db.client.connection.wait_time',
    kind: 'histogram',
    unit: 's',
    description: 'How long a caller waited for the connection it got.',
    attributes: SERVER,
    bounds: DURATION_BOUNDS,
  },
  useTime: {
    name: 'db.client.connection.use_time',
    kind: 'histogram',
    unit: 's',
    description: 'How long a connection was in use until it was returned.',
    attributes: SERVER,
    bounds: LONG_BOUNDS,
  },
  operation: {
    name: 'db.client.operation.duration',
    kind: 'histogram',
    unit: 's',
    description:
      'How long statements ran, from being sent until they were answered. Only if it is switched on.',
    attributes: [...SERVER, ATTRIBUTE.system, ATTRIBUTE.error],
    bounds: DURATION_BOUNDS,
  },
  timeouts: {
    name: 'db.client.connection.timeouts',
    kind: 'counter',
    unit: '{timeout}',
    description: 'Callers that got no connection in time.',
    attributes: POOL,
  },
  acquireFailed: {
    name: 'connmgr.acquire.failed',
    kind: 'counter',
    unit: '{request}',
    description:
      'Callers that got no connection, by reason: `timeout`, `aborted`, `queue-full`, `closed` or `connect-failed`.',
    attributes: [...POOL, ATTRIBUTE.reason],
  },
  connectFailed: {
    name: 'connmgr.connection.failed',
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections that could not be opened, by reason: `connect` or `hook`.',
    attributes: [...SERVER, ATTRIBUTE.reason],
  },
  closed: {
    name: 'connmgr.connection.closed',
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections that were closed, by reason, such as `idle`, `lifetime` or `lost`.',
    attributes: [...SERVER, ATTRIBUTE.reason],
  },
  dirty: {
    name: 'connmgr.connection.dirty',
    kind: 'counter',
    unit: '{connection}',
    description:
      'Connections that came back unclean, by reason: `transaction`, `busy` or `advisory-locks`.',
    attributes: [...SERVER, ATTRIBUTE.reason],
  },
  healthCheck: {
    name: 'connmgr.health.check.duration',
    kind: 'histogram',
    unit: 's',
    description: 'How long a health check took, by result: `healthy`, `refused` or `failed`.',
    attributes: [...SERVER, ATTRIBUTE.result],
    bounds: DURATION_BOUNDS,
  },
  failoverTime: {
    name: 'connmgr.failover.duration',
    kind: 'histogram',
    unit: 's',
    description: 'How long writes had no server until another one took over.',
    attributes: [...POOL, ATTRIBUTE.reason],
    bounds: LONG_BOUNDS,
  },
} as const satisfies Record<string, MetricDefinition>

export type EventMetric = keyof typeof EVENT_METRICS
type OfKind<M, K extends MetricKind> = {
  [N in keyof M]: M[N] extends { readonly kind: K } ? N : never
}[keyof M]
export type EventCounter = OfKind<typeof EVENT_METRICS, 'counter'>
export type EventHistogram = OfKind<typeof EVENT_METRICS, 'histogram'>
