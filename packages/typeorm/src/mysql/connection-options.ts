import type { Endpoint } from '@connmgr/core'
import { requireOneDatabase } from '@connmgr/core/driver'
import {
  blueprintOf,
  createConnectionManager,
  type EndpointConfig,
  endpointFrom,
  failoverEndpoints,
  type ManagedPoolConfig,
  MysqlConnectionManager,
  type MysqlManagerOptions,
  type PoolBlueprint,
} from '@connmgr/mysql'
import type { MysqlDataSourceOptions } from '../managed-types.js'

type Credentials = NonNullable<MysqlDataSourceOptions['replication']>['master']

/** What says which server a manager is for. */
const SERVER = ['databaseUrl', 'host', 'port', 'socketPath', 'user', 'database'] as const
const PARTS = ['host', 'port', 'socketPath', 'user', 'database'] as const

/** What TypeORM gives to mysql2 for one server, in the words of mysql2. */
interface Translated {
  readonly config: ManagedPoolConfig & { readonly uri?: string }
  readonly options: PoolBlueprint['options']
  /** What every connection is set to, without the server. */
  readonly connectionConfig: EndpointConfig
}

/**
 * The manager for a DataSource: the servers and pool settings that its options name, as TypeORM understands them, unless
 * `managerOptions` say otherwise.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function managerFor(
  dataSourceOptions: MysqlDataSourceOptions,
  managerOptions: MysqlManagerOptions,
): MysqlConnectionManager {
  const { replication } = dataSourceOptions
  const preferredServer = translated(dataSourceOptions, replication?.master ?? dataSourceOptions)
  const elsewhere = SERVER.some((name) => managerOptions[name] !== undefined)
  if (elsewhere || (replication === undefined && namesNoServer(preferredServer)))
    return createConnectionManager({
      ...preferredServer.options,
      ...managerOptions,
      connectionConfig: merged(preferredServer.connectionConfig, managerOptions.connectionConfig),
    })
  const { password, ssl, connectionConfig, failoverUrls, ...options } = managerOptions
  const shared = { ...connectionConfig, ...(ssl === undefined ? {} : { ssl }) }
  const endpoint = (option: string, { config, connectionConfig: own }: Translated): Endpoint =>
    endpointFrom(
      option,
      hide(
        { ...serverOf(config), ...own, ...shared } as EndpointConfig,
        password ?? connectionConfig?.password ?? config.password,
      ),
    )
  const preferred = endpoint('url', preferredServer)
  const slaves = (replication?.slaves ?? []).map((slave, index) =>
    endpoint(`replication.slaves[${index}].url`, translated(dataSourceOptions, slave)),
  )
  const known = new Set([preferred, ...slaves].map((each) => each.id))
  // Explicit servers are not mixed with those of the environment.
  const further = failoverEndpoints(preferred, failoverUrls ?? []).filter(
    ({ id }) => !known.has(id),
  )
  return new MysqlConnectionManager(requireOneDatabase([preferred, ...slaves, ...further]), {
    ...preferredServer.options,
    ...options,
  })
}

/**
 * The options that TypeORM makes for mysql2. As there, `extra` wins over everything else, and what is the pool's in it is
 * the pool's.
 */
function translated(options: MysqlDataSourceOptions, credentials: Credentials): Translated {
  const { charset, timezone, connectTimeout, insecureAuth, dateStrings, debug, trace, flags } =
    options
  const { supportBigNumbers = true, bigNumberStrings = true, multipleStatements } = options
  const { url, host, port, username, password, database, socketPath } = credentials
  const given = defined({
    charset,
    timezone,
    connectTimeout,
    insecureAuth,
    supportBigNumbers,
    bigNumberStrings,
    dateStrings,
    debug,
    trace,
    multipleStatements,
    flags,
    stringifyObjects: true,
    uri: url,
    host,
    user: username,
    database,
    port,
    ssl: options.ssl,
    socketPath,
    connectionLimit: credentials.poolSize ?? options.poolSize,
    acquireTimeoutMs: options.acquireTimeout,
    ...(options.extra as object | undefined),
  }) as ManagedPoolConfig & { uri?: string }
  const config = hide(given, given.password ?? password)
  return {
    config,
    options: optionsOf(config),
    connectionConfig: connectionConfigOf(config),
  }
}

/** What concerns the pool. Where the DataSource leaves its size open, the manager's own defaults hold, not mysql2's. */
function optionsOf(config: ManagedPoolConfig & { uri?: string }): PoolBlueprint['options'] {
  const { uri, ...rest } = config
  const { poolSize, maxOverflow, idleTimeoutMs, ...options } = blueprintOf(
    hide(rest, undefined),
  ).options
  const sized = [config.connectionLimit, config.maxIdle, config.poolSize, config.maxOverflow]
  return {
    ...options,
    ...(sized.some((each) => each !== undefined) ? defined({ poolSize, maxOverflow }) : {}),
    ...(config.idleTimeout === undefined && config.idleTimeoutMs === undefined
      ? {}
      : defined({ idleTimeoutMs })),
  }
}

/** What mysql2 takes for a connection: all that is not the pool's. */
function connectionConfigOf(config: ManagedPoolConfig & { uri?: string }): EndpointConfig {
  const { uri, ...rest } = config
  const [endpoint] = blueprintOf(hide(rest, undefined)).endpoints as [Endpoint]
  const { host, port, socketPath, user, database, ...shared } = endpoint.config as EndpointConfig
  return shared
}

function serverOf(config: ManagedPoolConfig & { uri?: string }): object {
  const { uri, host, port, socketPath, user, database } = config
  return defined({ uri, host, port, socketPath, user, database })
}

function namesNoServer({ config }: Translated): boolean {
  return config.uri === undefined && PARTS.every((name) => config[name] === undefined)
}

function merged(config: EndpointConfig, own: EndpointConfig | undefined): EndpointConfig {
  return hide({ ...config, ...own }, own?.password ?? config.password)
}

function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** The same with a password that is out of sight, as spreads and printing would show it. */
function hide<T extends object>(config: T, password: unknown): T {
  return Object.defineProperty({ ...config }, 'password', {
    value: password,
    enumerable: false,
    configurable: true,
    writable: true,
  })
}
