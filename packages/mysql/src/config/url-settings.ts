import { URL_OPTION_PARAMETERS, type UrlOptions, UrlParameters } from '@connmgr/core/driver'

/** Parameters of Prisma, which counts in seconds, and of mysql2's pool, which counts in milliseconds. */
export const SETTING_PARAMETERS: readonly string[] = [
  ...URL_OPTION_PARAMETERS,
  'connectionLimit',
  'connectTimeout',
  'idleTimeout',
]

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a value that is none */
export function settingsIn(option: string, given: Readonly<Record<string, string>>): UrlOptions {
  const parameters = new UrlParameters(option, given)
  const connectTimeoutMs = parameters.millis('connectTimeout')
  const idleTimeoutMs = parameters.millis('idleTimeout', 0)
  return {
    ...parameters.limit('connectionLimit'),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    // Those of Prisma win.
    ...parameters.options(),
  }
}
