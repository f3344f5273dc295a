import type { Endpoint } from '../driver/contract.js'
import { InvalidOptionError } from '../errors.js'
import { checkedParts, namesServer, requireAgreement, type ServerParts } from './server-parts.js'
import { databaseUrlOf, failoverUrlsOf, type NamedUrl } from './server-urls.js'

/** How the package of a database makes endpoints; `C` is what its client connects with, `P` what a URL says. */
export interface EndpointMaker<C extends object, P extends ServerParts> {
  /**
   * The endpoint of a URL.
   *
   * @param base what the URL leaves out, from its parts
   */
  ofUrl(named: NamedUrl, base: (parts: P) => C): Endpoint
  /** The endpoint of a configuration without a URL. */
  ofConfig(config: C): Endpoint
  /** What a further server has in common with the preferred one, beside what the URL of its own says. */
  inherited(preferred: Endpoint, parts: P): C
}

/** Where the servers are and how to log in, as the options of a manager say it. */
export interface ServersOptions<C extends object> {
  readonly databaseUrl?: string | undefined
  /** The preferred server in parts, instead of a URL. */
  readonly server: ServerParts
  /** How to log in, to all of them. */
  readonly config: C
  readonly failoverUrls?: readonly string[] | string | undefined
  readonly env: NodeJS.ProcessEnv
  /** The environment names a server in the way of the database's own tools. */
  readonly environmentNamesServer?: boolean
  /** The end of the message if no server is named: what to pass, what to set. */
  readonly whatToPass: string
}

/**
 * The endpoints that options and environment name; the preferred one first. Options that name a server are not mixed with
 * servers of the environment.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveServers<C extends object, P extends ServerParts>(
  options: ServersOptions<C>,
  maker: EndpointMaker<C, P>,
): Endpoint[] {
  const explicit = options.databaseUrl !== undefined || namesServer(options.server)
  const preferred = preferredServer(options, explicit, maker)
  const failoverUrls = options.failoverUrls ?? (explicit ? [] : undefined)
  return requireOneDatabase([
    preferred,
    ...failoverServers(preferred, failoverUrls, maker, options.env),
  ])
}

/**
 * The endpoints to fail over to. What their URLs leave out, such as the database, is as in the preferred one.
 *
 * @param failoverUrls undefined for those of the environment
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function failoverServers<C extends object, P extends ServerParts>(
  preferred: Endpoint,
  failoverUrls: unknown,
  maker: EndpointMaker<C, P>,
  env: NodeJS.ProcessEnv,
): Endpoint[] {
  return failoverUrlsOf(failoverUrls, env).map((named) =>
    maker.ofUrl(named, (parts) => maker.inherited(preferred, parts)),
  )
}

function preferredServer<C extends object, P extends ServerParts>(
  { databaseUrl, server, config, env, environmentNamesServer, whatToPass }: ServersOptions<C>,
  explicit: boolean,
  maker: EndpointMaker<C, P>,
): Endpoint {
  // Changed in place: the configuration keeps its password out of sight, and a spread would lose it.
  const base = Object.assign(config, checkedParts(server))
  const named = databaseUrlOf(databaseUrl, explicit, env)
  if (named !== undefined)
    return maker.ofUrl(named, (parts) => {
      requireAgreement(server, parts)
      return base
    })
  if (explicit || environmentNamesServer === true) return maker.ofConfig(base)
  throw new InvalidOptionError(
    'databaseUrl',
    `option "databaseUrl" is missing and DATABASE_URL is not set; ${whatToPass}`,
  )
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if a server is named twice, or another database */
export function requireOneDatabase(endpoints: Endpoint[]): Endpoint[] {
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
