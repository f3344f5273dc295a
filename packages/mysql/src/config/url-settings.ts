import { InvalidOptionError, type ManagerOptions, redactText } from '@connmgr/core'
import type { Connection } from 'mysql2'

/** Options of a manager that a URL can carry. */
export type CarriedOptions = Pick<
  ManagerOptions<Connection>,
  | 'poolSize'
  | 'maxOverflow'
  | 'acquireTimeoutMs'
  | 'connectTimeoutMs'
  | 'queryTimeoutMs'
  | 'maxLifetimeMs'
  | 'idleTimeoutMs'
>

/** Parameters of Prisma, which counts in seconds, and of mysql2's pool, which counts in milliseconds. */
export const SETTING_PARAMETERS: readonly string[] = [
  'connection_limit',
  'connectionLimit',
  'pool_timeout',
  'connect_timeout',
  'connectTimeout',
  'socket_timeout',
  'max_connection_lifetime',
  'max_idle_connection_lifetime',
  'idleTimeout',
]

/** Longer than any process waits, and as long as a timer can be. */
const FOR_EVER_MS = 2 ** 31 - 1
const MOST_CONNECTIONS = 100_000

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a value that is none */
export function settingsIn(
  option: string,
  parameters: Readonly<Record<string, string>>,
): CarriedOptions {
  const number = (name: string, least: number, most: number): number | undefined => {
    const text = parameters[name]
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    const shown = redactText(JSON.stringify(text.slice(0, 60)))
    throw new InvalidOptionError(
      option,
      `option "${option}": its ${name} must be a whole number from ${least} to ${most}, but it is ${shown}`,
    )
  }
  /** 0 is no limit. */
  const seconds = (name: string, noLimit: number): number | undefined => {
    const value = number(name, 0, Math.floor(FOR_EVER_MS / 1000))
    return value === 0 ? noLimit : value && value * 1000
  }
  const millis = (name: string, noLimit: number): number | undefined => {
    const value = number(name, 0, FOR_EVER_MS)
    return value === 0 ? noLimit : value
  }
  const limit =
    number('connection_limit', 1, MOST_CONNECTIONS) ??
    number('connectionLimit', 1, MOST_CONNECTIONS)
  const options = {
    // It is a limit: nothing is opened above it.
    ...(limit === undefined ? {} : { poolSize: limit, maxOverflow: 0 }),
    acquireTimeoutMs: seconds('pool_timeout', FOR_EVER_MS),
    connectTimeoutMs:
      seconds('connect_timeout', FOR_EVER_MS) ?? millis('connectTimeout', FOR_EVER_MS),
    queryTimeoutMs: seconds('socket_timeout', 0),
    maxLifetimeMs: seconds('max_connection_lifetime', 0),
    idleTimeoutMs: seconds('max_idle_connection_lifetime', 0) ?? millis('idleTimeout', 0),
  }
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as CarriedOptions
}

/** Options as given, and those of the URL for what they leave open. A size that is given is all of the size. */
export function withSettings<O extends ManagerOptions<Connection>>(
  options: O,
  settings: CarriedOptions,
): O {
  const carried: Record<string, unknown> = { ...settings }
  if (options.poolSize !== undefined) delete carried.maxOverflow
  if (options.poolMode === 'static') {
    delete carried.poolSize
    delete carried.maxOverflow
  }
  for (const [name, value] of Object.entries(options)) if (value !== undefined) delete carried[name]
  return { ...options, ...carried }
}
