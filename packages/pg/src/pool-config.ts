import {
  type Endpoint,
  invalidOption,
  MANAGER_OPTION_NAMES,
  type ManagerOptions,
  rejectMisspeltOptions,
} from '@connmgr/core'
import type { Client, ClientConfig, PoolConfig } from 'pg'
import type { PgManagerOptions } from './connection-manager.js'
import type { ClientClass } from './driver.js'
import { distinct, endpointFrom, resolveFailoverEndpoints } from './endpoint-config.js'

/** Hooks and options of pg-pool that its type declarations leave out. */
interface UntypedPoolConfig {
  readonly verify?: (client: Client, callback: (error?: Error) => void) => void
  readonly onConnect?: (client: Client) => void | Promise<void>
  readonly Client?: ClientClass
}

/**
 * What `new ManagedPool` takes: everything that `pg.Pool` takes, and everything that `createConnectionManager` takes.
 * Where both have a word for one thing, ours wins.
 */
export type ManagedPoolConfig = Omit<PoolConfig, 'onConnect' | 'Client' | 'password' | 'ssl'> &
  UntypedPoolConfig &
  Omit<PgManagerOptions, 'onConnect'> & { readonly password?: ClientConfig['password'] }

/** The manager behind a pool that was made from a pg-pool configuration. */
export interface PoolBlueprint {
  readonly endpoints: readonly Endpoint[]
  readonly options: ManagerOptions<Client> & Pick<PgManagerOptions, 'shared' | 'replayStatements'>
  readonly Client: ClientClass | undefined
}

/** pg-pool's own options, which are no business of the client's. */
const POOL_ONLY = [
  'max',
  'min',
  'connectionTimeoutMillis',
  'idleTimeoutMillis',
  'maxUses',
  'maxLifetimeSeconds',
  'allowExitOnIdle',
  'onConnect',
  'verify',
  'log',
  'Promise',
  'Client',
  'connectionString',
]
/** What `pg.Client` takes, for telling a misspelt option from one that is none of our business. */
const CLIENT_OPTIONS = [
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
]
const OURS = [
  'databaseUrl',
  'failoverUrls',
  'requireAuth',
  'clientConfig',
  'shared',
  'replayStatements',
  ...MANAGER_OPTION_NAMES,
]

/** pg-pool's default of `max`. */
const DEFAULT_MAX = 10
const DEFAULT_IDLE_TIMEOUT_MS = 10_000

/**
 * Translates pg-pool's options into ours.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function blueprintOf(config: ManagedPoolConfig): PoolBlueprint {
  rejectMisspeltOptions(
    config,
    [...OURS, ...POOL_ONLY, ...CLIENT_OPTIONS],
    'the options of ManagedPool',
    'put it into clientConfig',
  )
  const given: Record<string, unknown> = { ...config }
  const options: Record<string, unknown> = {}
  for (const name of MANAGER_OPTION_NAMES)
    if (given[name] !== undefined) options[name] = given[name]
  if (config.shared !== undefined) options.shared = config.shared
  if (config.replayStatements !== undefined) options.replayStatements = config.replayStatements
  // What a pg-pool does by default is not meant for one connection that is kept for ever.
  const exclusive = given.poolMode === 'static'
  options.poolSize ??= given.max ?? (exclusive ? 1 : DEFAULT_MAX)
  // A pg-pool has a fixed bound: overflow is for those who ask for it.
  options.maxOverflow ??= 0
  options.minIdle ??= given.min ?? 0
  const connectTimeout = millis('connectionTimeoutMillis', given.connectionTimeoutMillis)
  // pg-pool's 0 waits for ever; ours is the finite default.
  if (connectTimeout) options.acquireTimeoutMs ??= connectTimeout
  options.idleTimeoutMs ??=
    millis('idleTimeoutMillis', given.idleTimeoutMillis) ??
    (exclusive ? 0 : DEFAULT_IDLE_TIMEOUT_MS)
  if (given.maxUses !== undefined && given.maxUses !== Number.POSITIVE_INFINITY)
    options.maxUses ??= given.maxUses
  if (given.maxLifetimeSeconds !== undefined) {
    options.maxLifetimeMs ??= (millis('maxLifetimeSeconds', given.maxLifetimeSeconds) ?? 0) * 1000
  }
  const hook = hooksOf(config)
  if (hook === undefined) delete options.onConnect
  else options.onConnect = hook
  const clientConfig = clientConfigOf(config)
  return { endpoints: endpointsOf(config, clientConfig), options, Client: config.Client }
}

function endpointsOf(config: ManagedPoolConfig, clientConfig: ClientConfig): Endpoint[] {
  const connectionString = config.databaseUrl ?? config.connectionString
  const option = config.databaseUrl === undefined ? 'connectionString' : 'databaseUrl'
  const preferred = endpointFrom(option, withUrl(clientConfig, connectionString))
  // A pg.Pool knows nothing of the environment's failover servers, so only those named here count.
  return distinct([
    preferred,
    ...resolveFailoverEndpoints({ failoverUrls: config.failoverUrls ?? [], clientConfig }),
  ])
}

function withUrl(config: ClientConfig, connectionString: string | undefined): ClientConfig {
  if (connectionString === undefined) return config
  return Object.defineProperty({ ...config, connectionString }, 'password', {
    value: config.password,
    enumerable: false,
  })
}

function clientConfigOf(config: ManagedPoolConfig): ClientConfig {
  const rest = Object.fromEntries(
    Object.entries(config).filter(
      ([name]) => !POOL_ONLY.includes(name) && !OURS.includes(name) && name !== 'password',
    ),
  )
  const { requireAuth } = config
  const merged = {
    ...config.clientConfig,
    ...rest,
    ...(requireAuth === undefined ? {} : { requireAuth }),
  } as ClientConfig
  // Read by name: pg-pool hides it from enumeration, and a spread of its options would lose it.
  const password = config.password ?? config.clientConfig?.password
  if (password !== undefined)
    Object.defineProperty(merged, 'password', { value: password, enumerable: false })
  return merged
}

/** pg-pool's `onConnect` and `verify` as one hook: both run once on every new client, in this order. */
function hooksOf({
  onConnect,
  verify,
}: UntypedPoolConfig): ((client: Client) => Promise<void>) | undefined {
  if (onConnect === undefined && verify === undefined) return undefined
  return async (client) => {
    await onConnect?.(client)
    if (verify === undefined) return
    await new Promise<void>((resolve, reject) => {
      verify(client, (error) => (error ? reject(error) : resolve()))
    })
  }
}

function millis(option: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw invalidOption(option, value, 'a number of at least 0')
  }
  return value
}
