import { InvalidOptionError } from '../errors.js'
import type { ManagerOptions } from '../options.js'
import { redactText } from '../secrets/redact-text.js'

/** Options of a manager that the parameters of a URL can carry. */
export type UrlOptions = Pick<
  ManagerOptions<never>,
  | 'poolSize'
  | 'maxOverflow'
  | 'acquireTimeoutMs'
  | 'connectTimeoutMs'
  | 'queryTimeoutMs'
  | 'maxLifetimeMs'
  | 'idleTimeoutMs'
  | 'reset'
>

/** Parameters that carry options, the same for all databases. Times are in seconds, of which 0 is no limit. */
export const URL_OPTION_PARAMETERS = [
  'connection_limit',
  'pool_timeout',
  'connect_timeout',
  'socket_timeout',
  'max_connection_lifetime',
  'max_idle_connection_lifetime',
] as const

/** Longer than any process waits, and as long as a timer can be. */
const FOR_EVER_MS = 2 ** 31 - 1
const MOST_CONNECTIONS = 100_000

/** Reads the parameters of one URL, which are texts. */
export class UrlParameters {
  readonly #option: string
  readonly #parameters: Readonly<Record<string, unknown>>

  /** @param option that the URL stands in, for messages */
  constructor(option: string, parameters: Readonly<Record<string, unknown>>) {
    this.#option = option
    this.#parameters = parameters
  }

  /** The options that {@link URL_OPTION_PARAMETERS} carry: only what stands there. */
  options(): UrlOptions {
    return {
      ...this.limit('connection_limit'),
      ...given('acquireTimeoutMs', this.seconds('pool_timeout', FOR_EVER_MS)),
      ...given('connectTimeoutMs', this.seconds('connect_timeout', FOR_EVER_MS)),
      ...given('queryTimeoutMs', this.seconds('socket_timeout', 0)),
      ...given('maxLifetimeMs', this.seconds('max_connection_lifetime', 0)),
      ...given('idleTimeoutMs', this.seconds('max_idle_connection_lifetime', 0)),
    }
  }

  /** The size of a pool that opens nothing above it. */
  limit(name: string): UrlOptions {
    const poolSize = this.number(name, 1)
    return poolSize === undefined ? {} : { poolSize, maxOverflow: 0 }
  }

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  number(name: string, least = 0, most = MOST_CONNECTIONS): number | undefined {
    const text = this.#parameters[name]
    if (text === undefined) return undefined
    const value = /^\d+$/.test(String(text)) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw invalidParameter(this.#option, name, text, `a whole number from ${least} to ${most}`)
  }

  /** A parameter in seconds, as milliseconds; 0 there is no limit, which is `noLimit` here. */
  seconds(name: string, noLimit: number): number | undefined {
    const value = this.number(name, 0, Math.floor(FOR_EVER_MS / 1000))
    return value === 0 ? noLimit : value && value * 1000
  }

  /** A parameter in milliseconds, of which 0 is no limit. */
  millis(name: string, noLimit = FOR_EVER_MS): number | undefined {
    const value = this.number(name, 0, FOR_EVER_MS)
    return value === 0 ? noLimit : value
  }

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  flag(name: string): boolean {
    const text = this.#parameters[name]
    if (text === undefined || text === 'false') return false
    if (text === 'true') return true
    throw invalidParameter(this.#option, name, text, 'true or false')
  }
}

function given(name: keyof UrlOptions, value: number | undefined): UrlOptions {
  return value === undefined ? {} : { [name]: value }
}

/** The options as given, and those of a URL for what they leave open. A size that is given is all of the size. */
export function withUrlOptions<O extends ManagerOptions<never>>(
  options: O,
  carriedByUrl: UrlOptions,
): O {
  const carried: Record<string, unknown> = { ...carriedByUrl }
  if (options.poolSize !== undefined) delete carried.maxOverflow
  if (options.poolMode === 'static') {
    delete carried.poolSize
    delete carried.maxOverflow
  }
  for (const [name, value] of Object.entries(options)) if (value !== undefined) delete carried[name]
  return { ...options, ...carried }
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
