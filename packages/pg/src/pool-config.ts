import type { Endpoint, ManagerOptions } from '@connmgr/core'
import {
  invalidOption,
  MANAGER_OPTION_NAMES,
  rejectForeignOptions,
  rejectMisspeltOptions,
  requireOneDatabase,
  withUrlOptions,
} from '@connmgr/core/driver'
import type { Client, ClientConfig, PoolConfig } from 'pg'
import { endpointFrom, settingsOf, withPassword } from './endpoint-config.js'
import { failoverEndpoints } from './endpoint-options.js'
import { CLIENT_OPTIONS, FOREIGN_TO_PG } from './foreign-to-pg.js'
import { type PgManagerOptions, SENDING_OPTIONS, type SendingOptions } from './manager-options.js'
import type { ClientClass } from './session-opener.js'

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

/** What a pool configuration says, in our words. */
export interface TranslatedPool {
  /** Only what it says: nothing by default. */
  readonly options: ManagerOptions<Client> & SendingOptions
  /** What is the client's business, `connectionString` included. */
  readonly clientConfig: ClientConfig
  readonly Client: ClientClass | undefined
}

/** The manager behind a pool that was made from a pg-pool configuration. */
export interface PoolBlueprint extends TranslatedPool {
  readonly endpoints: readonly Endpoint[]
  /** What pg-pool would give to a client class of the user, undefined without one. */
  readonly clientOptions: object | undefined
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
/** What names a server, or is the client's, has the same name there. */
const OURS = [
  'databaseUrl',
  'failoverUrls',
  'requireAuth',
  'clientConfig',
  ...SENDING_OPTIONS,
  ...MANAGER_OPTION_NAMES,
]

/** pg-pool's default of `max`. */
const DEFAULT_MAX = 10
const DEFAULT_IDLE_TIMEOUT_MS = 10_000

/**
 * Translates pg-pool's options into ours, and keeps pg-pool's defaults.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function blueprintOf(config: ManagedPoolConfig): PoolBlueprint {
  const translated = translatePoolConfig(config, 'the options of ManagedPool')
  const { clientConfig, Client } = translated
  const option = config.databaseUrl === undefined ? 'connectionString' : 'databaseUrl'
  const preferred = endpointFrom(option, clientConfig)
  // A pg.Pool knows nothing of the environment's failover servers, so only those named here count.
  const failovers = failoverEndpoints(preferred, config.failoverUrls ?? [])
  const options = withUrlOptions(translated.options, settingsOf(preferred).options)
  // What a pg-pool does by default is not meant for one connection that is kept for ever.
  const exclusive = options.poolMode === 'static'
  return {
    ...translated,
    endpoints: requireOneDatabase([preferred, ...failovers]),
    options: {
      ...options,
      poolSize: options.poolSize ?? (exclusive ? 1 : DEFAULT_MAX),
      // A pg-pool has a fixed bound: overflow is for those who ask for it.
      maxOverflow: options.maxOverflow ?? 0,
      idleTimeoutMs: options.idleTimeoutMs ?? (exclusive ? 0 : DEFAULT_IDLE_TIMEOUT_MS),
    },
    clientOptions: Client === undefined ? undefined : clientOptionsOf(config),
  }
}

/**
 * What pg-pool's options say, in our words.
 *
 * @param what where they were given, for messages
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function translatePoolConfig(config: ManagedPoolConfig, what: string): TranslatedPool {
  const known = [...OURS, ...POOL_ONLY, ...CLIENT_OPTIONS]
  // A client class of the user may have options of any name.
  if (config.Client === undefined) rejectForeignOptions(config, known, what, FOREIGN_TO_PG)
  rejectMisspeltOptions(config, known, what, 'put it into clientConfig')
  const given: Record<string, unknown> = { ...config }
  const options: Record<string, unknown> = {}
  for (const name of [...MANAGER_OPTION_NAMES, ...SENDING_OPTIONS])
    if (given[name] !== undefined) options[name] = given[name]
  const add = (name: string, value: unknown): void => {
    if (value !== undefined) options[name] ??= value
  }
  add('poolSize', given.max)
  add('minIdle', given.min)
  // pg-pool's 0 waits for ever; ours is the finite default.
  add(
    'acquireTimeoutMs',
    millis('connectionTimeoutMillis', given.connectionTimeoutMillis) || undefined,
  )
  add('idleTimeoutMs', millis('idleTimeoutMillis', given.idleTimeoutMillis))
  if (given.maxUses !== Number.POSITIVE_INFINITY) add('maxUses', given.maxUses)
  const lifetime = millis('maxLifetimeSeconds', given.maxLifetimeSeconds)
  add('maxLifetimeMs', lifetime && lifetime * 1000)
  const hook = hooksOf(config)
  if (hook === undefined) delete options.onConnect
  else options.onConnect = hook
  return { options, clientConfig: clientConfigOf(config), Client: config.Client }
}

function clientConfigOf(config: ManagedPoolConfig): ClientConfig {
  const rest = Object.fromEntries(
    Object.entries(config).filter(
      ([name]) => !POOL_ONLY.includes(name) && !OURS.includes(name) && name !== 'password',
    ),
  )
  const { requireAuth } = config
  const connectionString = config.databaseUrl ?? config.connectionString
  const merged = {
    ...config.clientConfig,
    ...rest,
    ...(requireAuth === undefined ? {} : { requireAuth }),
    ...(connectionString === undefined ? {} : { connectionString }),
  } as ClientConfig
  // Read by name: pg-pool hides it from enumeration, and a spread of its options would lose it.
  return withPassword(merged, config.password ?? config.clientConfig?.password)
}

/** As pg-pool fills in its options, which it hands to each client as they are. */
function clientOptionsOf(config: ManagedPoolConfig): object {
  return {
    ...config,
    max: config.max || config.poolSize || DEFAULT_MAX,
    min: config.min || 0,
    maxUses: config.maxUses || Number.POSITIVE_INFINITY,
    allowExitOnIdle: config.allowExitOnIdle || false,
    maxLifetimeSeconds: config.maxLifetimeSeconds || 0,
    idleTimeoutMillis: config.idleTimeoutMillis ?? DEFAULT_IDLE_TIMEOUT_MS,
  }
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
