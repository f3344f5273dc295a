import { ATTRIBUTE, POOL, SERVER } from './attributes.js'
import type { MetricDefinition } from './metric-definition.js'

/** What the state of a manager tells, read when it is asked for. */
export const STATE_METRICS = {
  connections: {
    name: 'db.client.connection.count',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Open connections, by state: `used` by a caller, or `idle`.',
    attributes: [...SERVER, ATTRIBUTE.state],
  },
  idleMax: {
    name: 'db.client.connection.idle.max',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Connections that are kept open when idle (`poolSize`).',
    attributes: SERVER,
  },
  idleMin: {
    name: 'db.client.connection.idle.min',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Idle connections that are always there (`minIdle`).',
    attributes: SERVER,
  },
  limit: {
    name: 'db.client.connection.limit',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'The most connections that may be open (`poolSize` and `maxOverflow`).',
    attributes: SERVER,
  },
  pending: {
    name: 'db.client.connection.pending_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    description:
      'Callers that wait for a connection. Those without an endpoint wait for a server that can serve them.',
    attributes: SERVER,
  },
  connecting: {
    name: 'connmgr.connection.connecting',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Connections that are being opened.',
    attributes: SERVER,
  },
  demandTime: {
    name: 'connmgr.connection.demand.time',
    kind: 'counter',
    unit: 's',
    description:
      'For how long so many connections were wanted at once, in use or waited for: at most `connmgr.connections`, and more than the next smaller value.',
    attributes: [...SERVER, ATTRIBUTE.connections],
  },
  acquired: {
    name: 'connmgr.connection.acquired',
    kind: 'counter',
    unit: '{connection}',
    description: 'Times a connection was lent to a caller.',
    attributes: SERVER,
  },
  created: {
    name: 'connmgr.connection.created',
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections that were opened.',
    attributes: SERVER,
  },
  leaksDetected: {
    name: 'connmgr.leak.detected',
    kind: 'counter',
    unit: '{leak}',
    description: 'Connections that were reported as leaked.',
    attributes: SERVER,
  },
  leaksActive: {
    name: 'connmgr.leak.active',
    kind: 'upDownCounter',
    unit: '{leak}',
    description: 'Leaked connections that have not been returned yet.',
    attributes: SERVER,
  },
  acquireTimeout: {
    name: 'connmgr.acquire.timeout',
    kind: 'gauge',
    unit: 's',
    description: 'How long a caller waits for a connection before it fails (`acquireTimeoutMs`).',
    attributes: POOL,
  },
  open: {
    name: 'connmgr.pool.open',
    kind: 'upDownCounter',
    unit: '{pool}',
    description: '1 while the manager is open.',
    attributes: POOL,
  },
  writer: {
    name: 'connmgr.pool.writable',
    kind: 'upDownCounter',
    unit: '{pool}',
    description: '1 while there is a server that takes writes, else 0.',
    attributes: POOL,
  },
  up: {
    name: 'connmgr.endpoint.up',
    kind: 'upDownCounter',
    unit: '{endpoint}',
    description: '1 while the server is there, 0 while it is down. Absent before the first probe.',
    attributes: [...SERVER, ATTRIBUTE.role],
  },
  lag: {
    name: 'connmgr.endpoint.lag',
    kind: 'gauge',
    unit: 's',
    description: 'How far a standby is behind the primary.',
    attributes: SERVER,
  },
  failovers: {
    name: 'connmgr.failover',
    kind: 'counter',
    unit: '{failover}',
    description: 'Changes of the writer, by reason: `failover`, `switchover` or `failback`.',
    attributes: [...POOL, ATTRIBUTE.reason],
  },
  failoversFailed: {
    name: 'connmgr.failover.failed',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Attempts to find a writer that found none.',
    attributes: POOL,
  },
  replayed: {
    name: 'connmgr.work.replayed',
    kind: 'counter',
    unit: '{replay}',
    description: 'Times that a unit of work was run again.',
    attributes: POOL,
  },
} as const satisfies Record<string, MetricDefinition>

export type StateMetric = keyof typeof STATE_METRICS
