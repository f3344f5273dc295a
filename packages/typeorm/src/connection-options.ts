import { type Endpoint, InvalidOptionError } from '@connmgr/core'
import {
  createConnectionManager,
  endpointFrom,
  PgConnectionManager,
  type PgManagerOptions,
  resolveFailoverEndpoints,
} from '@connmgr/pg'
import type { ClientConfig } from 'pg'
import type { DataSourceOptions } from 'typeorm'

/** The options of a DataSource for PostgreSQL. */
export type PostgresDataSourceOptions = Extract<DataSourceOptions, { type: 'postgres' }>

type Credentials = NonNullable<PostgresDataSourceOptions['replication']>['master']

/** What TypeORM hands to pg-pool through `extra` that means the pool rather than its connections. */
const POOL_EXTRAS = [
  'max',
  'min',
  'connectionTimeoutMillis',
  'idleTimeoutMillis',
  'maxUses',
  'maxLifetimeSeconds',
  'allowExitOnIdle',
]

/**
 * The manager for a DataSource: the servers and pool settings that its options name, unless `managerOptions` name
 * others.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function managerFor(
  dataSourceOptions: PostgresDataSourceOptions,
  managerOptions: PgManagerOptions,
): PgConnectionManager {
  const options: PgManagerOptions = { ...poolSettings(dataSourceOptions), ...managerOptions }
  const shared = sharedConfig(dataSourceOptions, managerOptions)
  if (managerOptions.databaseUrl !== undefined || namesNoServer(dataSourceOptions)) {
    return createConnectionManager({ ...options, clientConfig: shared })
  }
  // Checked as they would be there; what is left is where the servers are.
  const {
    databaseUrl: _url,
    failoverUrls,
    password,
    ssl: _ssl,
    clientConfig: _config,
    Client,
    ...rest
  } = options
  const { replication } = dataSourceOptions
  const master = replication?.master ?? dataSourceOptions
  const endpoints: Endpoint[] = [
    endpointFrom('url', clientConfigOf(master, shared, password)),
    ...(replication?.slaves ?? []).map((slave, index) =>
      endpointFrom(`replication.slaves[${index}].url`, clientConfigOf(slave, shared, password)),
    ),
  ]
  const known = new Set(endpoints.map((each) => each.id))
  for (const endpoint of resolveFailoverEndpoints({ failoverUrls, clientConfig: shared })) {
    if (!known.has(endpoint.id)) endpoints.push(endpoint)
  }
  return new PgConnectionManager(endpoints, rest, Client)
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a DataSource that is not for PostgreSQL through `pg` */
export function requirePostgres(
  options: DataSourceOptions,
): asserts options is PostgresDataSourceOptions {
  if (options.type !== 'postgres') {
    throw new InvalidOptionError(
      'type',
      `option "type" must be 'postgres' for @connmgr/typeorm, but it is '${options.type}'`,
    )
  }
  if (options.nativeDriver !== undefined) {
    throw new InvalidOptionError(
      'nativeDriver',
      'option "nativeDriver" cannot be used with @connmgr/typeorm; leave it out',
    )
  }
}

function namesNoServer({
  url,
  host,
  port,
  database,
  username,
  replication,
}: PostgresDataSourceOptions): boolean {
  return [url, host, port, database, username, replication].every((each) => each === undefined)
}

/** TypeORM's own pool settings in our words. A pool that was given a fixed size keeps it. */
function poolSettings({
  poolSize,
  connectTimeoutMS,
  extra,
}: PostgresDataSourceOptions): PgManagerOptions {
  const settings = (extra ?? {}) as Partial<Record<string, number>> & { allowExitOnIdle?: unknown }
  const size = settings.max ?? poolSize
  const acquireTimeoutMs = settings.connectionTimeoutMillis || connectTimeoutMS
  return {
    ...(size === undefined ? {} : { poolSize: size, maxOverflow: 0 }),
    ...(settings.min === undefined ? {} : { minIdle: settings.min }),
    ...(acquireTimeoutMs ? { acquireTimeoutMs } : {}),
    ...(settings.idleTimeoutMillis === undefined
      ? {}
      : { idleTimeoutMs: settings.idleTimeoutMillis }),
    ...(typeof settings.allowExitOnIdle === 'boolean'
      ? { allowExitOnIdle: settings.allowExitOnIdle }
      : {}),
    ...(settings.maxUses === undefined ? {} : { maxUses: settings.maxUses }),
    ...(settings.maxLifetimeSeconds === undefined
      ? {}
      : { maxLifetimeMs: settings.maxLifetimeSeconds * 1000 }),
  }
}

/** What all servers have in common. */
function sharedConfig(
  options: PostgresDataSourceOptions,
  managerOptions: PgManagerOptions,
): ClientConfig {
  const extra = Object.fromEntries(
    Object.entries((options.extra ?? {}) as object).filter(([name]) => !POOL_EXTRAS.includes(name)),
  )
  // TypeORM types it as a server's TLS options, but hands it to node-postgres as it is.
  const ssl = managerOptions.ssl ?? (options.ssl as ClientConfig['ssl'])
  return {
    ...(options.applicationName === undefined ? {} : { application_name: options.applicationName }),
    ...extra,
    ...managerOptions.clientConfig,
    ...(ssl === undefined ? {} : { ssl }),
  }
}

function clientConfigOf(
  credentials: Credentials,
  shared: ClientConfig,
  password: PgManagerOptions['password'],
): ClientConfig {
  const { url, host, port, username, database, ssl, applicationName } = credentials
  const config: ClientConfig = { ...shared }
  const own = {
    connectionString: url,
    host,
    port,
    user: username,
    database,
    ssl,
    application_name: applicationName,
  }
  for (const [name, value] of Object.entries(own))
    if (value !== undefined) Object.assign(config, { [name]: value })
  return Object.defineProperty(config, 'password', {
    value: password ?? credentials.password,
    enumerable: false,
    configurable: true,
  })
}
