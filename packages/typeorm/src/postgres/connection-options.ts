import type { Endpoint } from '@connmgr/core'
import { requireOneDatabase } from '@connmgr/core/driver'
import {
  createConnectionManager,
  endpointFrom,
  failoverEndpoints,
  type ManagedPoolConfig,
  PgConnectionManager,
  type PgManagerOptions,
  type TranslatedPool,
  translatePoolConfig,
} from '@connmgr/pg'
import type { ClientConfig } from 'pg'
import type { PostgresDataSourceOptions } from '../managed-types.js'

type Credentials = NonNullable<PostgresDataSourceOptions['replication']>['master']

/** What says which server a manager is for. */
const SERVER = ['databaseUrl', 'host', 'port', 'user', 'database'] as const

/**
 * The manager for a DataSource: the servers and pool settings that its options name, as TypeORM understands them, unless
 * `managerOptions` say otherwise.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function managerFor(
  dataSourceOptions: PostgresDataSourceOptions,
  managerOptions: PgManagerOptions,
): PgConnectionManager {
  const { replication } = dataSourceOptions
  const master = replication?.master ?? dataSourceOptions
  const { options, clientConfig, Client } = translated(dataSourceOptions, master)
  const elsewhere = SERVER.some((name) => managerOptions[name] !== undefined)
  if (elsewhere || (replication === undefined && namesNoServer(clientConfig))) {
    return createConnectionManager({
      ...options,
      ...(Client === undefined ? {} : { Client }),
      ...managerOptions,
      clientConfig: { ...withoutServer(clientConfig), ...managerOptions.clientConfig },
    })
  }
  const { password, ssl, requireAuth, clientConfig: own, failoverUrls, ...rest } = managerOptions
  const shared = { ...own, ...defined({ ssl, requireAuth }) }
  const endpoint = (option: string, config: ClientConfig): Endpoint =>
    endpointFrom(option, hide({ ...config, ...shared }, password ?? config.password))
  const preferred = endpoint('url', clientConfig)
  const slaves = (replication?.slaves ?? []).map((slave, index) =>
    endpoint(`replication.slaves[${index}].url`, translated(dataSourceOptions, slave).clientConfig),
  )
  const known = new Set([preferred, ...slaves].map((each) => each.id))
  // Explicit servers are not mixed with those of the environment.
  const further = failoverEndpoints(preferred, failoverUrls ?? []).filter(
    ({ id }) => !known.has(id),
  )
  const { Client: ownClient = Client, ...managed } = rest
  return new PgConnectionManager(
    requireOneDatabase([preferred, ...slaves, ...further]),
    { ...options, ...managed },
    ownClient,
  )
}

/**
 * What TypeORM gives to pg-pool for one server, in our words. As there, `extra` wins over everything else, and what is the
 * pool's in it is the pool's.
 */
function translated(options: PostgresDataSourceOptions, credentials: Credentials): TranslatedPool {
  const { url, host, port, username, password, database, ssl } = credentials
  const config = {
    ...defined({
      connectionString: url,
      host,
      port,
      user: username,
      database,
      ssl,
      connectionTimeoutMillis: options.connectTimeoutMS,
      application_name: options.applicationName ?? credentials.applicationName,
      max: options.poolSize,
    }),
    ...(options.extra as object | undefined),
  } as ManagedPoolConfig
  const own = config.password ?? password
  const pool = translatePoolConfig(hide(config, own), "the DataSource's option extra")
  // A pool that was given a fixed size keeps it.
  return pool.options.poolSize === undefined
    ? pool
    : { ...pool, options: { maxOverflow: 0, ...pool.options } }
}

function namesNoServer({ connectionString, host, port, user, database }: ClientConfig): boolean {
  return [connectionString, host, port, user, database].every((each) => each === undefined)
}

function withoutServer(config: ClientConfig): ClientConfig {
  const { connectionString, host, port, user, database, password, ...rest } = config
  return rest
}

function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** The same with a password that is out of sight, as spreads and printing would show it. */
function hide<T extends object>(config: T, password: unknown): T {
  return Object.defineProperty(config, 'password', {
    value: password,
    enumerable: false,
    configurable: true,
    writable: true,
  })
}
