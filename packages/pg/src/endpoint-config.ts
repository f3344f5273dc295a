import { isIP } from 'node:net'
import type { Endpoint } from '@connmgr/core'
import {
  addressId,
  invalidOption,
  makeEndpoint,
  type NamedUrl,
  portOf,
  requireUrl,
  withHiddenPassword,
} from '@connmgr/core/driver'
import type { ClientConfig } from 'pg'
import {
  CONNECTION_PARAMETERS,
  hasSeveralHosts,
  parseUrl,
  SSL_MODES,
  TLS_PARAMETERS,
  type UrlParts,
} from './connection-url.js'
import { nodePostgres } from './node-postgres.js'
import { type AuthPolicy, allowedMethods, FOR_NAMED } from './require-auth.js'
import { rejectPaths } from './tls-files.js'
import { NO_SETTINGS, settingsIn, type UrlSettings } from './url-settings.js'

/** What is known of an endpoint beyond its configuration. */
interface Origin {
  /** What the options say, without the URL and the environment. */
  readonly base: EndpointConfig
  /** The URL, if node-postgres would read from it alone what we have; it has the password. */
  readonly connectionString?: string | undefined
  /** What its URL says of the manager. */
  readonly settings?: UrlSettings
}

/** An endpoint of PostgreSQL always has an address. */
type PgEndpoint = Endpoint & { readonly host: string; readonly port: number }

const origins = new WeakMap<Endpoint, Origin>()

/** What the parameters of an endpoint's URL say of the manager. */
export function settingsOf(endpoint: Endpoint | undefined): UrlSettings {
  return (endpoint && origins.get(endpoint)?.settings) ?? NO_SETTINGS
}

/** The URL of an endpoint, for a client class of the user, which may read it; undefined if it does not say it all. */
export function connectionStringOf(endpoint: Endpoint): string | undefined {
  return origins.get(endpoint)?.connectionString
}

/**
 * The endpoint of a node-postgres configuration, which names the server by `connectionString` or by `host` and so on.
 *
 * @param option what to call the configuration in messages
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function endpointFrom(option: string, config: ClientConfig): Endpoint {
  const { connectionString } = config
  // As node-postgres, which takes an empty one for none.
  if (connectionString === undefined || connectionString === null || connectionString === '')
    return configuredEndpoint(config)
  return endpointOfUrl({ option, url: requireUrl(option, connectionString) }, config)
}

/**
 * The endpoint of a URL.
 *
 * @param base for what the URL leaves out, or from its parts
 */
export function endpointOfUrl(
  named: NamedUrl,
  base: ClientConfig | ((parts: UrlParts) => ClientConfig),
  env: NodeJS.ProcessEnv = process.env,
): Endpoint {
  const parts = parseUrl(named)
  const options = typeof base === 'function' ? base(parts) : base
  const config = mergeConfig(options, parts)
  const saysAll =
    config.password === parts.password &&
    config.ssl === parts.ssl &&
    (['user', 'database', 'port'] as const).every((name) => config[name] === parts[name])
  return remember(configuredEndpoint(config, env), {
    base: options,
    connectionString: saysAll ? named.url : undefined,
    settings: settingsIn(named.option, parts),
  })
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
  if (isIP(host) !== 0 && isIP(endpoint.host ?? '') === 0 && config.ssl) {
    const ssl = config.ssl === true ? {} : config.ssl
    // node-postgres hides the key of the options that it is given, and a spread would lose it.
    const key = ssl.key === undefined ? {} : { key: ssl.key }
    moved.ssl = { servername: endpoint.host, ...ssl, ...key }
  }
  const relocated = endpointOf(withPassword(moved, config.password))
  return how === 'resolved' ? Object.assign(relocated, { resolvedFrom: endpoint.id }) : relocated
}

/** The same configuration with a password that is out of sight. */
export function withPassword<C extends ClientConfig>(config: C, password: C['password']): C {
  return withHiddenPassword(config, password)
}

/**
 * The endpoint of a node-postgres configuration without a URL.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function configuredEndpoint(
  config: EndpointConfig,
  env: NodeJS.ProcessEnv = process.env,
): PgEndpoint {
  const endpoint = endpointOf(config, env)
  const { host } = endpoint
  if (hasSeveralHosts(host)) {
    throw invalidOption(
      config.host ? 'host' : 'PGHOST',
      host,
      'one host; name the others in failoverUrls',
    )
  }
  portOf(config.port ? 'port' : 'PGPORT', config.port || env.PGPORT || endpoint.port)
  rejectPaths('ssl', config.ssl)
  // node-postgres takes any other for none at all.
  if (config.ssl === undefined && env.PGSSLMODE && !SSL_MODES.includes(env.PGSSLMODE))
    throw invalidOption('PGSSLMODE', env.PGSSLMODE, `one of ${SSL_MODES.join(', ')}`)
  return endpoint
}

/** What the configuration leaves out is as node-postgres has it. */
function endpointOf(given: EndpointConfig, env: NodeJS.ProcessEnv = process.env): PgEndpoint {
  const config = withRequiredAuth(given, env)
  const { defaults } = nodePostgres
  const host = config.host || env.PGHOST || defaults.host || 'localhost'
  const port = Number(config.port || env.PGPORT || defaults.port)
  const user = config.user || env.PGUSER || defaults.user
  const named = config.database || env.PGDATABASE || defaults.database || user
  const database = named ?? 'postgres'
  // From now on the environment may change: the endpoint leads where its name says.
  const own = { ...config, host, port, ...(user && { user }), ...(named && { database }) }
  const endpoint = makeEndpoint(
    { id: addressId(host, port, database), host, port, database, ...(user && { account: user }) },
    withPassword(own, config.password),
  )
  return remember(endpoint, { base: given })
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
  return withPassword({ ...config, requireAuth }, config.password)
}

/**
 * What the URL says wins, as with node-postgres, and what it leaves out is as in `base`; but `ssl` there, and a password
 * that is asked for at each connect, win over it.
 */
function mergeConfig(base: ClientConfig, parts: UrlParts): ClientConfig {
  const fromUrl = Object.fromEntries(
    CONNECTION_PARAMETERS.filter((name) => parts[name] !== undefined).map((name) => [
      name,
      parts[name],
    ]),
  )
  const merged = { ...base, ...fromUrl } as ClientConfig
  delete merged.connectionString
  const { requireAuth } = base as EndpointConfig
  if (requireAuth !== undefined) Object.assign(merged, { requireAuth })
  if (base.ssl !== undefined) merged.ssl = base.ssl
  const own = base.password
  return withPassword(merged, typeof own === 'function' ? own : parts.password || own)
}

/**
 * What a further server has in common with the preferred one: all but its address, and what its own URL says.
 *
 * @param parts of that URL
 */
export function inheritable(preferred: Endpoint, parts: UrlParts): ClientConfig {
  const config = preferred.config as EndpointConfig
  const { base } = origins.get(preferred) as Origin
  const { host: _host, port: _port, requireAuth: _resolved, ...common } = config
  if (base.requireAuth !== undefined) Object.assign(common, { requireAuth: base.requireAuth })
  if (base.ssl === undefined && TLS_PARAMETERS.some((name) => parts[name] !== undefined)) {
    delete common.ssl
    delete (common as { sslnegotiation?: unknown }).sslnegotiation
  }
  // The password of the preferred URL is that of its user.
  const another = parts.user !== undefined && parts.user !== config.user
  return withPassword(common, another ? base.password : config.password)
}

function remember<E extends Endpoint>(endpoint: E, origin: Origin): E {
  origins.set(endpoint, origin)
  return endpoint
}
