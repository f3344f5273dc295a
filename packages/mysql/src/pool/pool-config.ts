import type { Endpoint, ManagerOptions } from '@connmgr/core'
import {
  invalidOption,
  MANAGER_OPTION_NAMES,
  rejectForeignOptions,
  rejectMisspeltOptions,
  requireOneDatabase,
  withUrlOptions,
} from '@connmgr/core/driver'
import type { Connection, PoolOptions } from 'mysql2'
import {
  type EndpointConfig,
  endpointFrom,
  type Password,
  settingsOf,
  withPassword,
} from '../config/endpoint-config.js'
import { failoverEndpoints } from '../config/endpoint-options.js'
import { CONNECTION_OPTIONS, FOREIGN_TO_MYSQL, POOL_OPTIONS } from '../config/option-names.js'

/**
 * What `new ManagedPool` takes: everything that mysql2's `createPool` takes, and everything that `createConnectionManager`
 * takes. Where both have a word for one thing, ours wins.
 */
export interface ManagedPoolConfig
  extends Omit<PoolOptions, 'password'>,
    ManagerOptions<Connection> {
  /** As `uri`. */
  readonly databaseUrl?: string
  /** Servers to fail over to, in order. `@default` none */
  readonly failoverUrls?: readonly string[] | string
  /** A function is asked before each connect, so that credentials may expire. */
  readonly password?: Password
  /** Anything else that mysql2 takes. */
  readonly connectionConfig?: EndpointConfig
  /** As in `createConnectionManager`. */
  readonly replayStatements?: 'never' | 'safe'
}

/** The manager behind a pool that was made from mysql2's options. */
export interface PoolBlueprint {
  readonly endpoints: readonly Endpoint[]
  readonly options: ManagerOptions<Connection> & { readonly replayStatements?: 'never' | 'safe' }
  /** Whether a caller for whom no connection is free waits. */
  readonly waits: boolean
  readonly Promise: PromiseConstructor
}

const OURS = [
  'databaseUrl',
  'failoverUrls',
  'connectionConfig',
  'replayStatements',
  ...MANAGER_OPTION_NAMES,
]
/** mysql2's own defaults. */
const DEFAULT_LIMIT = 10
const DEFAULT_IDLE_TIMEOUT_MS = 60_000

/**
 * Translates mysql2's pool options into ours, and keeps mysql2's defaults.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function blueprintOf(given: ManagedPoolConfig | string): PoolBlueprint {
  const config: ManagedPoolConfig = typeof given === 'string' ? { databaseUrl: given } : given
  const known = [...OURS, ...POOL_OPTIONS, ...CONNECTION_OPTIONS]
  const what = 'the options of ManagedPool'
  rejectForeignOptions(config, known, what, FOREIGN_TO_MYSQL)
  rejectMisspeltOptions(config, known, what, 'put it into connectionConfig')
  const preferred = endpointFrom(
    config.databaseUrl === undefined ? 'uri' : 'databaseUrl',
    connectionConfigOf(config),
  )
  // A pool of mysql2 knows nothing of the environment's failover servers, so only those named here count.
  const failovers = failoverEndpoints(preferred, config.failoverUrls ?? [])
  const options = withUrlOptions(optionsOf(config), settingsOf(preferred))
  // What a pool does by default is not meant for one connection that is kept for ever.
  const exclusive = options.poolMode === 'static'
  return {
    endpoints: requireOneDatabase([preferred, ...failovers]),
    options: {
      ...options,
      poolSize: options.poolSize ?? (exclusive ? 1 : DEFAULT_LIMIT),
      // mysql2's pool has a fixed bound: overflow is for those who ask for it.
      maxOverflow: options.maxOverflow ?? 0,
      idleTimeoutMs: options.idleTimeoutMs ?? (exclusive ? 0 : DEFAULT_IDLE_TIMEOUT_MS),
    },
    waits: config.waitForConnections !== false,
    Promise: (config as { Promise?: PromiseConstructor }).Promise ?? Promise,
  }
}

function optionsOf(config: ManagedPoolConfig): ManagerOptions<Connection> {
  const given: Record<string, unknown> = { ...config }
  const options: Record<string, unknown> = {}
  for (const name of MANAGER_OPTION_NAMES)
    if (given[name] !== undefined) options[name] = given[name]
  if (config.replayStatements !== undefined) options.replayStatements = config.replayStatements
  const add = (name: string, value: unknown): void => {
    if (value !== undefined) options[name] ??= value
  }
  const limit = whole('connectionLimit', config.connectionLimit, 1)
  const maxIdle = whole('maxIdle', config.maxIdle, 0)
  if (limit !== undefined || maxIdle !== undefined) {
    const most = limit ?? DEFAULT_LIMIT
    // Those above it are closed when they come back.
    const kept = Math.min(most, Math.max(1, maxIdle ?? most))
    if (options.poolSize === undefined) {
      options.poolSize = kept
      options.maxOverflow ??= most - kept
    }
  }
  add('idleTimeoutMs', whole('idleTimeout', config.idleTimeout, 0))
  // mysql2's 0 is no limit, as it is here.
  add('maxWaiters', whole('queueLimit', config.queueLimit, 0))
  add('connectTimeoutMs', whole('connectTimeout', config.connectTimeout, 0) || undefined)
  if (config.resetOnRelease !== undefined)
    add('reset', config.resetOnRelease ? 'reset-all' : 'none')
  return options
}

function connectionConfigOf(config: ManagedPoolConfig): EndpointConfig {
  const own = Object.fromEntries(
    Object.entries(config).filter(
      ([name, value]) =>
        CONNECTION_OPTIONS.includes(name) && name !== 'password' && value !== undefined,
    ),
  )
  const uri = config.databaseUrl ?? (config as { uri?: string }).uri
  const merged = { ...config.connectionConfig, ...own, ...(uri === undefined ? {} : { uri }) }
  return withPassword(merged, config.password ?? config.connectionConfig?.password)
}

function whole(option: string, value: unknown, least: number): number | undefined {
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= least) return number
  throw invalidOption(option, value, `a whole number of at least ${least}`)
}
