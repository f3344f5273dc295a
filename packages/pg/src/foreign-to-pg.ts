import type { ForeignOptions } from '@connmgr/core/driver'

/** What `pg.Client` takes, for telling a misspelt option from one that is none of our business. */
export const CLIENT_OPTIONS: readonly string[] = [
  'user',
  'database',
  'password',
  'port',
  'host',
  'ssl',
  'sslNegotiation',
  'sslnegotiation',
  'types',
  'stream',
  'binary',
  'options',
  'replication',
  'pipeline',
  'connection',
  'keepAlive',
  'keepAliveInitialDelayMillis',
  'enableChannelBinding',
  'scramMaxIterations',
  'client_encoding',
  'application_name',
  'fallback_application_name',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
  'connectionTimeoutMillis',
  'Promise',
]

const URL = { ours: 'databaseUrl' }
const USER = { ours: 'user' }
const HOST = { ours: 'host' }
const DATABASE = { ours: 'database' }
const STANDBYS = {
  ours: 'failoverUrls',
  note: 'which of the servers is the primary is found out, and manager.replica reads on the standbys',
}
const TIMEOUT = { ours: 'queryTimeoutMs' }

/** What libraries for PostgreSQL call our options, and those of node-postgres that have a place of their own here. */
export const FOREIGN_TO_PG: ForeignOptions = {
  connectionstring: URL,
  connectionuri: URL,
  connectionurl: URL,
  databaseuri: URL,
  dburl: URL,
  clienturl: URL,
  datasourceurl: URL,
  dsn: URL,
  uri: URL,
  url: URL,
  username: USER,
  usr: USER,
  hostname: HOST,
  server: HOST,
  socketpath: { ours: 'host', note: 'the directory of the socket' },
  dbname: DATABASE,
  db: DATABASE,
  pass: { ours: 'password' },
  passwd: { ours: 'password' },
  replication: STANDBYS,
  replicas: STANDBYS,
  readreplicas: STANDBYS,
  slaves: STANDBYS,
  sslmode: 'write it into databaseUrl as ?sslmode=..., or use "ssl"',
  querytimeout: TIMEOUT,
  query_timeout: TIMEOUT,
  socket_timeout: { ours: 'queryTimeoutMs', factor: 1000 },
  schema: 'put it into the SQL, or into clientConfig: { options: "-c search_path=..." }',
  verify: { ours: 'onConnect' },
  ...Object.fromEntries(
    [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
      'application_name',
      'fallback_application_name',
      'client_encoding',
      'options',
      'types',
      'stream',
      'keepAlive',
      'keepAliveInitialDelayMillis',
      'binary',
      'enableChannelBinding',
      'sslnegotiation',
    ].map((name) => [name, `node-postgres takes it: put it into clientConfig: { ${name} }`]),
  ),
  applicationName: {
    ours: 'clientConfig',
    note: 'as clientConfig: { application_name }',
  },
  statementTimeout: 'put it into clientConfig: { statement_timeout }, in milliseconds',
}
