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

/** Of what concerns a manager as a whole. */
export const POOL: readonly string[] = [ATTRIBUTE.pool]
/** Of what concerns one of its servers. */
export const SERVER: readonly string[] = [
  ATTRIBUTE.pool,
  ATTRIBUTE.endpoint,
  ATTRIBUTE.address,
  ATTRIBUTE.port,
]
