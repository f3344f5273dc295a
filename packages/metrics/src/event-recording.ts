import type { AcquireFailedEvent, ConnectionDirtyEvent, ConnectionFailedEvent } from '@connmgr/core'
import { ATTRIBUTE, type MetricAttributes } from './attributes.js'
import type { EventCounter, EventHistogram } from './event-metrics.js'
import type { MeasuredManager } from './measured-manager.js'
import type { SeriesAttributes } from './series-attributes.js'

/** Counts and measures the events of a manager. */
export interface EventRecorder {
  add(metric: EventCounter, attributes: MetricAttributes, value: number): void
  record(metric: EventHistogram, attributes: MetricAttributes, seconds: number): void
}

const ACQUIRE_FAILURES: readonly AcquireFailedEvent['reason'][] = [
  'timeout',
  'aborted',
  'queue-full',
  'closed',
  'connect-failed',
]

const CONNECT_FAILURES: readonly ConnectionFailedEvent['reason'][] = ['connect', 'hook']
const DIRT: readonly ConnectionDirtyEvent['reason'][] = ['transaction', 'busy', 'advisory-locks']

/**
 * Records the events of a manager from now on. Returns the function that stops it.
 *
 * @param ownHistograms false to leave out what `readHistograms` reads: then no acquire costs an event
 */
export function recordEvents(
  manager: MeasuredManager,
  attributes: SeriesAttributes,
  recorder: EventRecorder,
  ownHistograms = true,
): () => void {
  const { pool } = attributes
  const because = (base: MetricAttributes, reason: string) =>
    attributes.extend(base, ATTRIBUTE.reason, reason)
  const time = (metric: EventHistogram, { durationMs, endpoint }: Timed) =>
    recorder.record(metric, attributes.endpoint(endpoint), durationMs / 1000)
  const changed = ({ type, durationMs }: { type: string; durationMs: number }) => {
    const reason = type.replace('Completed', '')
    recorder.record('failoverTime', because(pool, reason), durationMs / 1000)
  }
  // A counter that begins with its first event shows no increase for it.
  recorder.add('timeouts', pool, 0)
  for (const reason of ACQUIRE_FAILURES) recorder.add('acquireFailed', because(pool, reason), 0)
  for (const { id } of manager.getFailoverStatus().endpoints) {
    for (const reason of CONNECT_FAILURES)
      recorder.add('connectFailed', because(attributes.endpoint(id), reason), 0)
    for (const reason of DIRT) recorder.add('dirty', because(attributes.endpoint(id), reason), 0)
  }
  const stops = [
    manager.on('acquireFailed', ({ reason }) => {
      if (reason === 'timeout') recorder.add('timeouts', pool, 1)
      recorder.add('acquireFailed', because(pool, reason), 1)
    }),
    manager.on('connectionFailed', ({ endpoint, reason }) =>
      recorder.add('connectFailed', because(attributes.endpoint(endpoint), reason), 1),
    ),
    manager.on('connectionClosed', ({ endpoint, reason }) =>
      recorder.add('closed', because(attributes.endpoint(endpoint), reason), 1),
    ),
    manager.on('connectionDirty', ({ endpoint, reason }) =>
      recorder.add('dirty', because(attributes.endpoint(endpoint), reason), 1),
    ),
    manager.on('healthCheckCompleted', ({ durationMs, endpoint, healthy, refused }) => {
      const result = refused === true ? 'refused' : healthy ? 'healthy' : 'failed'
      const base = attributes.endpoint(endpoint)
      const series = attributes.extend(base, ATTRIBUTE.result, result)
      recorder.record('healthCheck', series, durationMs / 1000)
    }),
    manager.on('failoverCompleted', changed),
    manager.on('switchoverCompleted', changed),
    manager.on('failbackCompleted', changed),
  ]
  if (ownHistograms) {
    stops.push(
      manager.on('connectionCreated', (event) => time('createTime', event)),
      manager.on('connectionAcquired', (event) => time('waitTime', event)),
      manager.on('connectionReleased', (event) => time('useTime', event)),
    )
  }
  return () => {
    for (const stop of stops) stop()
  }
}

interface Timed {
  readonly endpoint: string
  readonly durationMs: number
}
