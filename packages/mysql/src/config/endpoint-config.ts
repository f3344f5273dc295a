import { type Endpoint, InvalidOptionError } from '@connmgr/core'
import {
  addressId,
  invalidOption,
  makeEndpoint,
  type NamedUrl,
  portOf,
  requireUrl,
  type UrlOptions,
  withHiddenPassword,
} from '@connmgr/core/driver'
import type { ConnectionOptions } from 'mysql2'
import { parseUrl, type UrlParts } from './url.js'
import { settingsIn } from './url-settings.js'

/** A password, or what is asked for it before each connect, so that it may expire. */
export type Password = string | (() => string | Promise<string>)

/** What mysql2 takes for a connection, with a password that may be asked for. */
export type EndpointConfig = Omit<ConnectionOptions, 'password'> & {
  readonly password?: Password | undefined
}

/** What is known of an endpoint beyond its configuration. */
interface Origin {
  /** What the options say, without the URL. */
  readonly base: EndpointConfig
  /** What its URL says of the manager. */
  readonly settings: UrlOptions
}

const origins = new WeakMap<Endpoint, Origin>()

const DEFAULT_PORT = 3306
const KEEP_ALIVE_DELAY_MS = 5000
const NO_URL: UrlParts = { options: {}, settings: {} }

/** What the parameters of an endpoint's URL say of the manager. */
export function settingsOf(endpoint: Endpoint | undefined): UrlOptions {
  return (endpoint && origins.get(endpoint)?.settings) ?? {}
}

/**
 * The endpoint of mysql2's options, which name the server by `uri` or by `host` and so on.
 *
 * @param option what to call the URL in messages; beside mysql2's own `uri` other options win over it, as in mysql2
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function endpointFrom(option: string, given: EndpointConfig): Endpoint {
  const { uri, ...config } = withPassword({ ...given }, given.password) as EndpointConfig & {
    uri?: unknown
  }
  if (uri === undefined || uri === null || uri === '')
    return endpointOf(NO_URL, withPassword(config, given.password))
  const named = { option, url: requireUrl(option, uri) }
  const base = withPassword(config, given.password)
  const parts = parseUrl(named)
  return endpointOf(
    option === 'uri' ? withoutGiven(parts, base) : parts,
    base,
    settingsIn(option, parts.settings),
  )
}

/** What a URL says beyond what stands in options. */
function withoutGiven(parts: UrlParts, given: EndpointConfig): UrlParts {
  const isOpen = ([name]: [string, unknown]): boolean => !given[name as keyof EndpointConfig]
  const open = Object.fromEntries(Object.entries(parts).filter(isOpen)) as unknown as UrlParts
  return { ...open, options: Object.fromEntries(Object.entries(parts.options).filter(isOpen)) }
}

/**
 * The endpoint of a URL.
 *
 * @param base for what the URL leaves out, or from its parts
 */
export function endpointOfUrl(
  named: NamedUrl,
  base: EndpointConfig | ((parts: UrlParts) => EndpointConfig),
): Endpoint {
  const parts = parseUrl(named)
  return endpointOf(
    parts,
    typeof base === 'function' ? base(parts) : base,
    settingsIn(named.option, parts.settings),
  )
}

/**
 * What the URL says wins, and what it leaves out is as in `base`; but `ssl` there, and a password that is asked for at each
 * connect, win over it.
 */
export function endpointOf(
  parts: UrlParts,
  base: EndpointConfig,
  settings: UrlOptions = {},
): Endpoint {
  const { options, settings: _parameters, password: itsPassword, ...address } = parts
  const merged = { ...base, ...options, ...address } as EndpointConfig
  if (base.ssl !== undefined) Object.assign(merged, { ssl: base.ssl })
  const password =
    typeof base.password === 'function' ? base.password : (itsPassword ?? base.password)
  requirePassword(password)
  const { database, socketPath, user } = merged
  const host = merged.host ?? 'localhost'
  const port = portOf('port', merged.port ?? DEFAULT_PORT)
  if (host.includes(','))
    throw invalidOption('host', host, 'one host; name the others in failoverUrls')
  const endpoint: Endpoint = makeEndpoint(
    {
      ...(socketPath === undefined
        ? { id: addressId(host, port, database), host, port }
        : { id: database === undefined ? socketPath : `${socketPath}:${database}` }),
      ...(database === undefined ? {} : { database }),
      ...(user === undefined ? {} : { account: user }),
    },
    withPassword({ ...merged, host, port, ...ownSsl(merged) }, password),
  )
  origins.set(endpoint, { base, settings })
  return endpoint
}

/**
 * What a further server has in common with the preferred one: all but its address, and what its own URL says.
 *
 * @param parts of that URL
 */
export function inheritable(preferred: Endpoint, parts: UrlParts): EndpointConfig {
  const config = preferred.config as EndpointConfig
  const { base } = origins.get(preferred) as Origin
  const { host: _host, port: _port, socketPath: _socket, ...common } = config
  if (base.ssl === undefined && parts.options.ssl !== undefined) delete common.ssl
  // The password of the preferred URL is that of its user.
  const another = parts.user !== undefined && parts.user !== config.user
  return withPassword(common, another ? base.password : config.password)
}

/** What mysql2 is to connect with. Its own time limit is off: the engine has one. */
export async function connectionConfigOf({ config }: Endpoint): Promise<ConnectionOptions> {
  const { password: asked, ...given } = withPassword(
    { ...(config as object) },
    (config as EndpointConfig).password,
  )
  const password = typeof asked === 'function' ? await asked() : asked
  if (password !== undefined && typeof password !== 'string')
    throw new InvalidOptionError(
      'password',
      `option "password" must be a string, or a function that returns one, but it has returned ${password === null ? 'null' : `a ${typeof password}`}`,
    )
  return {
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    ...given,
    connectTimeout: 0,
    ...(password === undefined ? {} : { password }),
  }
}

function requirePassword(password: unknown): void {
  if (!['undefined', 'string', 'function'].includes(typeof password) && password !== null)
    throw new InvalidOptionError(
      'password',
      `option "password" must be a string, or a function that returns one, but it is a ${typeof password}`,
    )
}

/** The same configuration with a password that is out of sight. */
export function withPassword<C extends object>(
  config: C,
  password: Password | undefined,
): C & EndpointConfig {
  return withHiddenPassword(config, password) as C & EndpointConfig
}

const SECRETS_OF_TLS = ['key', 'passphrase', 'pfx'] as const

/**
 * A copy that stays the same for all connections: mysql2 writes into it, and keeps what it has made of it by its identity.
 * Its secrets are out of sight of what prints it.
 */
function ownSsl({ ssl }: EndpointConfig): { ssl?: ConnectionOptions['ssl'] } {
  if (typeof ssl === 'string') return { ssl }
  if (!ssl) return {}
  if (typeof ssl !== 'object')
    throw invalidOption(
      'ssl',
      ssl,
      "an object such as { ca, rejectUnauthorized: true }, the name of a profile such as 'Amazon RDS', or left out",
    )
  const given = ssl as Readonly<Record<string, unknown>>
  const own = { ...given }
  for (const name of SECRETS_OF_TLS)
    if (given[name] !== undefined)
      Object.defineProperty(own, name, {
        value: given[name],
        configurable: true,
        enumerable: false,
        writable: true,
      })
  return { ssl: own as ConnectionOptions['ssl'] }
}
