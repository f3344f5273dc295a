import { type Endpoint, InvalidOptionError } from '@connmgr/core'
import { invalidOption } from '@connmgr/core/driver'
import {
  type EndpointConfig,
  endpointOf,
  endpointOfUrl,
  inheritable,
  requireUrl,
  withPassword,
} from './endpoint-config.js'
import type { NamedUrl, UrlParts } from './url.js'

/** Which server, in parts instead of a URL. */
interface ServerParts {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  readonly database?: string | undefined
  readonly socketPath?: string | undefined
}

/** Where the servers are and how to log in. */
export interface EndpointOptions {
  readonly databaseUrl?: string | undefined
  readonly server?: ServerParts
  readonly failoverUrls?: readonly string[] | string | undefined
  readonly connectionConfig?: EndpointConfig | undefined
}

const NO_URL: UrlParts = { options: {}, settings: {} }

/**
 * The endpoints that options and environment name; the preferred one first. Options that name a server are not mixed with
 * servers of the environment.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveEndpoints(
  options: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  const explicit = options.databaseUrl !== undefined || namesServer(options.server ?? {})
  const preferred = preferredEndpoint(options, explicit, env)
  const failoverUrls = options.failoverUrls ?? (explicit ? [] : undefined)
  return ofOneDatabase([preferred, ...failoverEndpoints(preferred, failoverUrls, env)])
}

/**
 * The endpoints to fail over to. What their URLs leave out, such as the database, is as in the preferred one.
 *
 * @param failoverUrls `@default` those of the environment
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function failoverEndpoints(
  preferred: Endpoint,
  failoverUrls: unknown,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  return listUrls(failoverUrls, env).map((named) =>
    endpointOfUrl(named, (parts) => inheritable(preferred, parts)),
  )
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a server is named twice, or another database */
export function ofOneDatabase(endpoints: Endpoint[]): Endpoint[] {
  const [preferred] = endpoints
  const ids = endpoints.map((each) => each.id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined)
    throw new InvalidOptionError(
      'failoverUrls',
      `option "failoverUrls" names ${twice} again; list each server once`,
    )
  const other = endpoints.find((each) => each.database !== preferred?.database)
  if (other === undefined || preferred === undefined) return endpoints
  throw new InvalidOptionError(
    'failoverUrls',
    `the endpoints ${preferred.id} and ${other.id} name two databases, "${preferred.database}" and "${other.database}", ` +
      'but those of one manager are servers of one database; name the same one in each, or make a manager for each',
  )
}

function preferredEndpoint(
  { connectionConfig = {}, databaseUrl, server = {} }: EndpointOptions,
  explicit: boolean,
  env: NodeJS.ProcessEnv,
): Endpoint {
  const config = withPassword(
    { ...connectionConfig, ...checkedParts(server) },
    connectionConfig.password,
  )
  const given = databaseUrl ?? (explicit ? undefined : env.DATABASE_URL)
  if (databaseUrl === undefined && (given === undefined || given.trim() === '')) {
    if (explicit) return endpointOf(NO_URL, config)
    throw new InvalidOptionError(
      'databaseUrl',
      'option "databaseUrl" is missing and DATABASE_URL is not set; pass databaseUrl: ' +
        '"mysql://user:password@host:3306/database", or host, user, password and database, or set DATABASE_URL',
    )
  }
  const option = databaseUrl === undefined ? 'DATABASE_URL' : 'databaseUrl'
  return endpointOfUrl({ option, url: requireUrl(option, given) }, (parts) =>
    agreeing(config, server, parts),
  )
}

/** A part that stands in the URL as well is the same there. */
function agreeing(config: EndpointConfig, server: ServerParts, parts: UrlParts): EndpointConfig {
  for (const name of ['host', 'port', 'user', 'database'] as const) {
    if (server[name] === undefined || parts[name] === undefined || config[name] === parts[name])
      continue
    throw new InvalidOptionError(
      name,
      `option "${name}" is ${JSON.stringify(server[name])}, but databaseUrl has ${JSON.stringify(parts[name])}; ` +
        'give one of them',
    )
  }
  return config
}

function namesServer({ database, host, port, socketPath, user }: ServerParts): boolean {
  return [host, port, user, database, socketPath].some((each) => each !== undefined)
}

function checkedParts(server: ServerParts): EndpointConfig {
  const parts: Record<string, unknown> = {}
  for (const name of ['host', 'user', 'database', 'socketPath'] as const) {
    const value: unknown = server[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value.trim() === '')
      throw invalidOption(name, value, 'a string that is not empty, or left out')
    parts[name] = value
  }
  if (server.port !== undefined) parts.port = server.port
  return parts as EndpointConfig
}

function listUrls(failoverUrls: unknown, env: NodeJS.ProcessEnv): NamedUrl[] {
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
    .split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i)
    .map((url) => url.trim())
    .filter((url) => url !== '')
}
