import type { ForeignOptions } from '@connmgr/core/driver'

/** What mysql2 takes for a connection. */
export const CONNECTION_OPTIONS: readonly string[] = [
  'authPlugins',
  'authSwitchHandler',
  'bigNumberStrings',
  'charset',
  'charsetNumber',
  'compress',
  'connectAttributes',
  'connectTimeout',
  'database',
  'dateStrings',
  'debug',
  'decimalNumbers',
  'disableEval',
  'enableCleartextPlugin',
  'enableKeepAlive',
  'flags',
  'gracefulEnd',
  'host',
  'infileStreamFactory',
  'insecureAuth',
  'jsonStrings',
  'keepAliveInitialDelay',
  'localAddress',
  'maxPreparedStatements',
  'multipleStatements',
  'namedPlaceholders',
  'nestTables',
  'password',
  'password1',
  'password2',
  'password3',
  'passwordSha1',
  'port',
  'queryFormat',
  'rowsAsArray',
  'socketPath',
  'ssl',
  'stream',
  'stringifyObjects',
  'supportBigNumbers',
  'timezone',
  'trace',
  'typeCast',
  'user',
]

/** What mysql2's pool takes beyond that. */
export const POOL_OPTIONS: readonly string[] = [
  'connectionLimit',
  'idleTimeout',
  'maxIdle',
  'Promise',
  'queueLimit',
  'resetOnRelease',
  'uri',
  'waitForConnections',
]

const URL = { ours: 'databaseUrl' }
const USER = { ours: 'user' }
const HOST = { ours: 'host' }
const DATABASE = { ours: 'database' }
const STANDBYS = {
  ours: 'failoverUrls',
  note: 'which of the servers takes writes is found out, and manager.replica reads on the others',
}
const OWN_PLACE: readonly string[] = [
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'socketPath',
  'connectTimeout',
]

/** What libraries for MySQL call our options, and those of mysql2 that have a place of their own here. */
export const FOREIGN_TO_MYSQL: ForeignOptions = {
  connectionstring: URL,
  connectionuri: URL,
  connectionurl: URL,
  databaseuri: URL,
  dburl: URL,
  datasourceurl: URL,
  dsn: URL,
  uri: URL,
  url: URL,
  username: USER,
  usr: USER,
  hostname: HOST,
  server: HOST,
  dbname: DATABASE,
  db: DATABASE,
  schema: DATABASE,
  pass: { ours: 'password' },
  passwd: { ours: 'password' },
  replication: STANDBYS,
  replicas: STANDBYS,
  readreplicas: STANDBYS,
  slaves: STANDBYS,
  socket: { ours: 'socketPath' },
  sslmode: 'write it into databaseUrl as ?sslmode=..., or use "ssl"',
  querytimeout: { ours: 'queryTimeoutMs' },
  query_timeout: { ours: 'queryTimeoutMs' },
  timeout: { ours: 'queryTimeoutMs' },
  socket_timeout: { ours: 'queryTimeoutMs', factor: 1000 },
  connecttimeout: { ours: 'connectTimeoutMs' },
  connectionlimit: { ours: 'poolSize' },
  queuelimit: { ours: 'maxWaiters' },
  idletimeout: { ours: 'idleTimeoutMs' },
  verify: { ours: 'onConnect' },
  ...Object.fromEntries(
    CONNECTION_OPTIONS.filter((name) => !OWN_PLACE.includes(name)).map((name) => [
      name,
      `mysql2 takes it: put it into connectionConfig: { ${name} }`,
    ]),
  ),
}
