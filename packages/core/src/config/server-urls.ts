import { InvalidOptionError } from '../errors.js'

/** A URL, and the option that it stands in, for messages. */
export interface NamedUrl {
  readonly option: string
  readonly url: string
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a value is no URL at all */
export function requireUrl(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  const found = typeof value === 'string' ? 'empty' : `a ${typeof value}`
  throw new InvalidOptionError(
    option,
    `option "${option}" must be a connection URL, but it is ${found}`,
  )
}

/**
 * The URL of the preferred server: of the option, or else of `DATABASE_URL`; undefined if neither has one.
 *
 * @param explicit the options name a server in another way, so that the environment does not count
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if the option is no URL
 */
export function databaseUrlOf(
  databaseUrl: string | undefined,
  explicit: boolean,
  env: NodeJS.ProcessEnv,
): NamedUrl | undefined {
  if (databaseUrl !== undefined)
    return { option: 'databaseUrl', url: requireUrl('databaseUrl', databaseUrl) }
  const given = explicit ? undefined : env.DATABASE_URL?.trim()
  return given ? { option: 'DATABASE_URL', url: given } : undefined
}

/**
 * The URLs of further servers: of the option, a list or a text with commas between, or else of `DATABASE_FAILOVER_URLS`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function failoverUrlsOf(failoverUrls: unknown, env: NodeJS.ProcessEnv): NamedUrl[] {
  const given: unknown = failoverUrls ?? env.DATABASE_FAILOVER_URLS
  const option = failoverUrls === undefined ? 'DATABASE_FAILOVER_URLS' : 'failoverUrls'
  if (given === undefined) return []
  if (typeof given === 'string') return splitUrls(given).map((url) => ({ option, url }))
  if (!Array.isArray(given))
    throw new InvalidOptionError(
      option,
      `option "${option}" must be an array of URLs, but it is a ${typeof given}`,
    )
  return given.map((url, index) => ({
    option: `${option}[${index}]`,
    url: requireUrl(`${option}[${index}]`, url),
  }))
}

/** Splits on commas that precede a scheme: passwords may hold commas too. */
function splitUrls(list: string): string[] {
  return list
    .split(/,(?=\s*(?:[a-z][a-z0-9+.-]*:\/\/|socket:))/i)
    .map((url) => url.trim())
    .filter((url) => url !== '')
}
