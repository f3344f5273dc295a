import { isIP } from 'node:net'
import { inspect } from 'node:util'
import { type Endpoint, InvalidOptionError, redactUrl } from '@connmgr/core'
import type { ClientConfig } from 'pg'
import { parse } from 'pg-connection-string'
import { type AuthPolicy, allowedMethods, FOR_NAMED } from './require-auth.js'

const SCHEMES = ['postgres:', 'postgresql:']
const DEFAULT_PORT = 5432

/** A URL and where it came from, for messages. */
interface NamedUrl {
  readonly option: string
  readonly url: string
}

/** Where the servers are and how to log in. */
export interface EndpointOptions {
  readonly databaseUrl?: string | undefined
  readonly failoverUrls?: readonly string[] | string | undefined
  readonly clientConfig?: ClientConfig | undefined
}

/**
 * The endpoints that options and environment name; the preferred one first.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveEndpoints(
  options: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  const preferred = parseEndpoint(databaseUrl(options, env), options.clientConfig ?? {}, env)
  return distinct([preferred, ...resolveFailoverEndpoints(options, env)])
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if one server is named twice */
export function distinct(endpoints: Endpoint[]): Endpoint[] {
  const ids = endpoints.map((each) => each.id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice === undefined) return endpoints
  throw new InvalidOptionError(
    'failoverUrls',
    `option "failoverUrls" names ${twice} again; list each server once`,
  )
}

/**
 * The endpoint of a node-postgres configuration, which names the server by `connectionString` or by `host` and so on.
 *
 * @param option what to call the configuration in messages
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function endpointFrom(option: string, config: ClientConfig): Endpoint {
  const { connectionString } = config
  if (connectionString === undefined) return endpointOf(config)
  return parseEndpoint({ option, url: requireText(option, connectionString) }, config, process.env)
}

/** The endpoints that `failoverUrls` or the environment name. */
export function resolveFailoverEndpoints(
  options: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  return failoverUrls(options, env).map((each) =>
    parseEndpoint(each, options.clientConfig ?? {}, env),
  )
}

/**
 * What the configuration of an endpoint has beyond that of node-postgres: `requireAuth`, or as a URL has it
 * `require_auth`; and whether a topology source alone has named the address.
 */
export interface EndpointConfig extends ClientConfig {
  readonly requireAuth?: unknown
  readonly require_auth?: unknown
  readonly named?: boolean
}

/** What the server of an endpoint may ask for; undefined for anything. */
export function authPolicyOf({ named, requireAuth }: EndpointConfig): AuthPolicy | undefined {
  if (requireAuth === undefined) return named === true ? FOR_NAMED : undefined
  return { methods: allowedMethods('requireAuth', requireAuth), clearIfVerified: false }
}

/**
 * The same database, with the same credentials, on another server.
 *
 * @param how whether the address is one of the endpoint's own name, or a source has named it
 */
export function relocate(
  endpoint: Endpoint,
  to: { host: string; port?: number },
  how: 'resolved' | 'named',
): Endpoint {
  const config = endpoint.config as EndpointConfig
  const { host, port = endpoint.port } = to
  const moved: EndpointConfig = { ...config, host, port, named: true }
  // A certificate is issued for the name, whatever the address.
  if (isIP(host) !== 0 && isIP(endpoint.host) === 0 && config.ssl) {
    const ssl = config.ssl === true ? {} : config.ssl
    // node-postgres hides the key of the options that it is given, and a spread would lose it.
    const key = ssl.key === undefined ? {} : { key: ssl.key }
    moved.ssl = { servername: endpoint.host, ...ssl, ...key }
  }
  Object.defineProperty(moved, 'password', {
    value: config.password,
    enumerable: false,
    writable: true,
    configurable: true,
  })
  const relocated = endpointOf(moved)
  return how === 'resolved' ? Object.assign(relocated, { resolvedFrom: endpoint.id }) : relocated
}

/** The endpoint of a node-postgres configuration without a URL. */
function endpointOf(given: EndpointConfig, env: NodeJS.ProcessEnv = process.env): Endpoint {
  const config = withRequiredAuth(given, env)
  const host = config.host || env.PGHOST || 'localhost'
  const port = Number(config.port || env.PGPORT || DEFAULT_PORT)
  const user = config.user || env.PGUSER || env.USER || env.USERNAME
  const database = config.database || env.PGDATABASE || user || 'postgres'
  const shown = isIP(host) === 6 ? `[${host}]` : host
  const endpoint = { id: `${shown}:${port}/${database}`, host, port, database }
  // Out of sight of JSON, spread and console.log: it has the password.
  Object.defineProperty(endpoint, 'config', { value: config, enumerable: false })
  Object.defineProperty(endpoint, inspect.custom, {
    value: () => `Endpoint(${endpoint.id})`,
    enumerable: false,
  })
  return endpoint as typeof endpoint & { config: ClientConfig }
}

/** The option wins over the URL, and that over the environment of libpq. */
function withRequiredAuth(config: EndpointConfig, env: NodeJS.ProcessEnv): EndpointConfig {
  const sources = [
    ['requireAuth', config.requireAuth],
    ['require_auth', config.require_auth],
    ['PGREQUIREAUTH', env.PGREQUIREAUTH],
  ] as const
  const [option, requireAuth] =
    sources.find(([, value]) => value !== undefined && value !== '') ?? []
  if (option === undefined) return config
  allowedMethods(option, requireAuth)
  return Object.defineProperty({ ...config, requireAuth }, 'password', {
    value: config.password,
    enumerable: false,
    writable: true,
    configurable: true,
  })
}

function databaseUrl({ databaseUrl }: EndpointOptions, env: NodeJS.ProcessEnv): NamedUrl {
  if (databaseUrl !== undefined)
    return { option: 'databaseUrl', url: requireText('databaseUrl', databaseUrl) }
  const fromEnv = env.DATABASE_URL
  if (fromEnv === undefined || fromEnv.trim() === '') {
    throw new InvalidOptionError(
      'databaseUrl',
      'option "databaseUrl" is missing and DATABASE_URL is not set; ' +
        'pass databaseUrl: "postgres://user:password@host:5432/database" or set DATABASE_URL',
    )
  }
  return { option: 'DATABASE_URL', url: fromEnv }
}

function failoverUrls({ failoverUrls }: EndpointOptions, env: NodeJS.ProcessEnv): NamedUrl[] {
  const given: unknown = failoverUrls ?? env.DATABASE_FAILOVER_URLS
  const option = failoverUrls === undefined ? 'DATABASE_FAILOVER_URLS' : 'failoverUrls'
  if (given === undefined) return []
  if (typeof given === 'string') return splitUrls(given).map((url) => ({ option, url }))
  if (!Array.isArray(given)) {
    throw new InvalidOptionError(
      option,
      `option "${option}" must be an array of URLs, but it is a ${typeof given}`,
    )
  }
  return given.map((url, index) => ({
    option: `${option}[${index}]`,
    url: requireText(`${option}[${index}]`, url),
  }))
}

/** Splits on commas that precede a scheme: passwords may hold commas too. */
function splitUrls(list: string): string[] {
  return list
    .split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i)
    .map((url) => url.trim())
    .filter((url) => url !== '')
}

function requireText(option: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  const found = value === '' || typeof value === 'string' ? 'empty' : `a ${typeof value}`
  throw new InvalidOptionError(
    option,
    `option "${option}" must be a connection URL, but it is ${found}`,
  )
}

function parseEndpoint(
  { option, url }: NamedUrl,
  clientConfig: ClientConfig,
  env: NodeJS.ProcessEnv,
): Endpoint {
  const shown = redactUrl(url)
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined || !SCHEMES.includes(scheme)) {
    throw new InvalidOptionError(
      option,
      `option "${option}" has an unsupported scheme: "${shown}"; it must begin with postgres:// or postgresql://`,
    )
  }
  if (hasSeveralHosts(url)) {
    throw new InvalidOptionError(
      option,
      `option "${option}" names several hosts: "${shown}"; give one host here and the others in failoverUrls`,
    )
  }
  let parsed: ReturnType<typeof parse>
  try {
    // The error of a URL that cannot be parsed carries the URL, password included; it goes no further.
    new URL(url)
    parsed = parse(url)
  } catch {
    throw new InvalidOptionError(
      option,
      `option "${option}" is not a valid URL: "${shown}"; it must look like postgres://user:password@host:5432/database, ` +
        'with special characters of the password percent-encoded',
    )
  }
  return endpointOf(mergeConfig(clientConfig, parsed), env)
}

function hasSeveralHosts(url: string): boolean {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
  return authority.slice(authority.lastIndexOf('@') + 1).includes(',')
}

/** As node-postgres does it, what the URL says wins; but a password that is asked for at each connect wins over it. */
function mergeConfig(clientConfig: ClientConfig, parsed: ReturnType<typeof parse>): ClientConfig {
  const fromUrl = Object.fromEntries(
    Object.entries(parsed).filter(
      ([, value]) => value !== undefined && value !== null && value !== '',
    ),
  )
  const merged = { ...clientConfig, ...fromUrl } as ClientConfig
  delete merged.connectionString
  const { requireAuth } = clientConfig as EndpointConfig
  if (requireAuth !== undefined) Object.assign(merged, { requireAuth })
  const own = clientConfig.password
  const password = typeof own === 'function' ? own : parsed.password || own
  if (clientConfig.ssl !== undefined) merged.ssl = clientConfig.ssl
  Object.defineProperty(merged, 'password', {
    value: password,
    enumerable: false,
    writable: true,
    configurable: true,
  })
  return merged
}
