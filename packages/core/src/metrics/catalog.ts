/** The values of a metric's attributes. Stable objects: the same series always comes with the same one. */
export type MetricAttributes = Readonly<Record<string, string | number>>

/** Names of attributes, by OpenTelemetry's semantic conventions where those have one. */
export const ATTRIBUTE = {
  pool: 'db.client.connection.pool.name',
  state: 'db.client.connection.state',
  address: 'server.address',
  port: 'server.port',
  endpoint: 'connmgr.endpoint',
  role: 'connmgr.role',
  reason: 'connmgr.reason',
  result: 'connmgr.result',
  system: 'db.system.name',
  error: 'error.type',
  connections: 'connmgr.connections',
} as const

/**
 * - `upDownCounter`: a number that rises and falls, and whose sum over servers and processes means something
 * - `gauge`: a number whose sum means nothing
 * - `counter`: a number that only rises
 * - `histogram`: how a duration is distributed
 */
export type MetricKind = 'upDownCounter' | 'gauge' | 'counter' | 'histogram'

/** One metric, as all exporters publish it. */
export interface MetricDefinition {
  /** Its name in OpenTelemetry. */
  readonly name: string
  readonly kind: MetricKind
  /** A unit of UCUM: `s`, or `{connection}` for things that are counted. */
  readonly unit: string
  readonly description: string
  /** The attributes that its series may have. */
  readonly attributes: readonly string[]
  /** Upper bounds of the buckets of a histogram. */
  readonly bounds?: readonly number[]
}

const POOL = [ATTRIBUTE.pool]
const SERVER = [ATTRIBUTE.pool, ATTRIBUTE.endpoint, ATTRIBUTE.address, ATTRIBUTE.port]

/** The bounds that the semantic conventions advise for durations, in seconds. */
export const DURATION_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] as const
/** The same for what may take minutes. */
const LONG_BOUNDS = [...DURATION_BOUNDS, 30, 60, 300] as const

/** Bounds for numbers of connections. */
export const DEMAND_BOUNDS = [
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000,
] as const

/**
 * A histogram of time instead of events: its buckets hold for how many seconds so many connections were wanted, its count
 * all seconds, its sum connections times seconds. For Prometheus; OpenTelemetry's instruments cannot take it, and have
 * `demandTime`.
 */
export const DEMAND_METRIC = {
  name: 'connmgr.connection.demand',
  kind: 'histogram',
  unit: '{connection}',
  description:
    'Connections that were wanted at once, in use or waited for, over time: each bucket counts seconds.',
  attributes: SERVER,
  bounds: DEMAND_BOUNDS,
} as const satisfies MetricDefinition

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

export type StateMetric = keyof typeof STATE_METRICS
export type EventMetric = keyof typeof EVENT_METRICS
type OfKind<M, K extends MetricKind> = {
  [N in keyof M]: M[N] extends { readonly kind: K } ? N : never
}[keyof M]
export type EventCounter = OfKind<typeof EVENT_METRICS, 'counter'>
/** The histograms that a manager keeps by itself. */
export type KeptHistogram = 'createTime' | 'waitTime' | 'useTime' | 'demand'
export type EventHistogram = OfKind<typeof EVENT_METRICS, 'histogram'>
