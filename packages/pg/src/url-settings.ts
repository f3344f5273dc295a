import { InvalidOptionError, type ManagerOptions, redactText } from '@connmgr/core'
import type { Client } from 'pg'

/** Options of a manager that a URL can carry. */
type CarriedOptions = Pick<
  ManagerOptions<Client>,
  | 'poolSize'
  | 'maxOverflow'
  | 'acquireTimeoutMs'
  | 'connectTimeoutMs'
  | 'queryTimeoutMs'
  | 'maxLifetimeMs'
  | 'idleTimeoutMs'
  | 'reset'
>

/** What the parameters of a URL say beyond the connection: those of Prisma, and `connect_timeout` of libpq. */
export interface UrlSettings {
  readonly options: CarriedOptions
  /** The schema that Prisma is to use. */
  readonly schema: string | undefined
  /** Statements that Prisma's own engine is to keep prepared; 0 for none. */
  readonly statementCacheSize: number | undefined
  /** False for a pooler by transaction, and where no statements are to be kept. */
  readonly mayPrepare: boolean
}

export const NO_SETTINGS: UrlSettings = {
  options: {},
  schema: undefined,
  statementCacheSize: undefined,
  mayPrepare: true,
}

export const SETTING_PARAMETERS = [
  'connection_limit',
  'pool_timeout',
  'connect_timeout',
  'socket_timeout',
  'max_idle_connection_lifetime',
  'max_connection_lifetime',
  'pgbouncer',
  'schema',
  'statement_cache_size',
] as const

/** Longer than any process waits, and as long as a timer can be. */
const FOR_EVER_MS = 2 ** 31 - 1
const MOST_CONNECTIONS = 100_000

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a value that is none */
export function settingsIn(option: string, parts: Readonly<Record<string, unknown>>): UrlSettings {
  const number = (name: string, least: number, most: number): number | undefined => {
    const text = parts[name]
    if (text === undefined) return undefined
    const value = /^\d+$/.test(String(text)) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw invalidParameter(option, name, text, `a whole number from ${least} to ${most}`)
  }
  /** Both Prisma and libpq count in seconds, of which 0 are no limit. */
  const millis = (name: string, noLimit: number): number | undefined => {
    const seconds = number(name, 0, Math.floor(FOR_EVER_MS / 1000))
    return seconds === 0 ? noLimit : seconds && seconds * 1000
  }
  const limit = number('connection_limit', 1, MOST_CONNECTIONS)
  const options = {
    // It is a limit: nothing is opened above it.
    ...(limit === undefined ? {} : { poolSize: limit, maxOverflow: 0 }),
    acquireTimeoutMs: millis('pool_timeout', FOR_EVER_MS),
    connectTimeoutMs: millis('connect_timeout', FOR_EVER_MS),
    queryTimeoutMs: millis('socket_timeout', 0),
    maxLifetimeMs: millis('max_connection_lifetime', 0),
    idleTimeoutMs: millis('max_idle_connection_lifetime', 0),
    reset: flag(option, parts, 'pgbouncer') ? ('none' as const) : undefined,
  }
  const statementCacheSize = number('statement_cache_size', 0, MOST_CONNECTIONS)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return {
    options: Object.fromEntries(given) as CarriedOptions,
    schema: typeof parts.schema === 'string' ? parts.schema : undefined,
    statementCacheSize,
    mayPrepare: options.reset === undefined && statementCacheSize !== 0,
  }
}

/** Options as given, and those of the URL for what they leave open. A size that is given is all of the size. */
export function withSettings<O extends ManagerOptions<Client>>(
  options: O,
  settings: UrlSettings,
): O {
  const carried: Record<string, unknown> = { ...settings.options }
  if (options.poolSize !== undefined) delete carried.maxOverflow
  if (options.poolMode === 'static') {
    delete carried.poolSize
    delete carried.maxOverflow
  }
  for (const [name, value] of Object.entries(options)) if (value !== undefined) delete carried[name]
  return { ...options, ...carried }
}

function flag(option: string, parts: Readonly<Record<string, unknown>>, name: string): boolean {
  const text = parts[name]
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  throw invalidParameter(option, name, text, 'true or false')
}

/** The error of a parameter of a URL with a wrong value. */
export function invalidParameter(
  option: string,
  name: string,
  value: unknown,
  expected: string,
): InvalidOptionError {
  const shown = redactText(JSON.stringify(String(value).slice(0, 60)))
  return new InvalidOptionError(
    option,
    `option "${option}": its ${name} must be ${expected}, but it is ${shown}`,
  )
}
