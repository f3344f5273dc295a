import type { EndpointStatus } from '@connmgr/core'
import { stateIs } from '@connmgr/core/driver'
import { ATTRIBUTE, type MetricAttributes } from './attributes.js'
import type { MeasuredManager } from './measured-manager.js'
import type { SeriesAttributes } from './series-attributes.js'
import type { StateMetric } from './state-metrics.js'

/** Gets the value of one series. */
export type StateSink<M extends StateMetric = StateMetric> = (
  metric: M,
  attributes: MetricAttributes,
  value: number,
) => void

type ReadSink = StateSink<Exclude<StateMetric, 'demandTime'>>

/** Reads everything that the state of a manager tells, but for its histograms. */
export function readState(
  manager: MeasuredManager,
  attributes: SeriesAttributes,
  sink: ReadSink,
): void {
  const status = manager.getFailoverStatus()
  let waiting = manager.getPoolMetrics().waiting
  for (const endpoint of status.endpoints)
    waiting -= readEndpoint(manager, endpoint, attributes, sink)
  const { pool } = attributes
  // Those in no endpoint's queue. Snapshots of one turn agree, but a negative number would be worse than a late one.
  sink('pending', pool, Math.max(0, waiting))
  sink('acquireTimeout', pool, manager.getPoolSettings().acquireTimeoutMs / 1000)
  sink('open', pool, manager.closed ? 0 : 1)
  sink('writer', pool, status.endpoints.some((each) => each.active && isThere(each)) ? 1 : 0)
  const change = (reason: string) => attributes.extend(pool, ATTRIBUTE.reason, reason)
  sink('failovers', change('failover'), status.failovers)
  sink('failovers', change('switchover'), status.switchovers)
  sink('failovers', change('failback'), status.failbacks)
  sink('failoversFailed', pool, status.failedAttempts)
  sink('replayed', pool, manager.getReplayStats().replays)
}

/** Returns how many callers wait for the endpoint. */
function readEndpoint(
  manager: MeasuredManager,
  endpoint: EndpointStatus,
  attributes: SeriesAttributes,
  sink: ReadSink,
): number {
  const metrics = manager.getPoolMetrics(endpoint.id)
  const server = attributes.endpoint(endpoint.id)
  const inState = (state: string) => attributes.extend(server, ATTRIBUTE.state, state)
  sink('connections', inState('used'), metrics.checkedOut)
  sink('connections', inState('idle'), metrics.checkedIn)
  // A manager that closes opens nothing any more.
  sink('idleMax', server, manager.closed ? 0 : metrics.size)
  sink('idleMin', server, manager.closed ? 0 : manager.getPoolSettings().minIdle)
  sink('limit', server, manager.closed ? 0 : metrics.limit)
  sink('pending', server, metrics.waiting)
  sink('connecting', server, metrics.connecting)
  sink('acquired', server, metrics.totalCheckouts)
  sink('created', server, metrics.totalConnectionsCreated)
  sink('leaksDetected', server, metrics.leakedConnections)
  sink('leaksActive', server, metrics.activeLeaks)
  if (endpoint.state !== 'UNKNOWN') {
    const inRole = attributes.extend(server, ATTRIBUTE.role, endpoint.role)
    sink('up', inRole, isThere(endpoint) ? 1 : 0)
  }
  if (endpoint.lagMs !== undefined) sink('lag', server, endpoint.lagMs / 1000)
  return metrics.waiting
}

function isThere({ state }: EndpointStatus): boolean {
  return state === 'UNKNOWN' || stateIs(state, 'alive')
}
