import type { Endpoint } from '@connmgr/core'
import {
  type EndpointMaker,
  failoverServers,
  resolveServers,
  type ServerParts,
} from '@connmgr/core/driver'
import {
  type EndpointConfig,
  endpointOf,
  endpointOfUrl,
  inheritable,
  withPassword,
} from './endpoint-config.js'
import type { UrlParts } from './url.js'

/** Where the servers are and how to log in. */
export interface EndpointOptions {
  readonly databaseUrl?: string | undefined
  readonly server?: ServerParts
  readonly failoverUrls?: readonly string[] | string | undefined
  readonly connectionConfig?: EndpointConfig | undefined
}

const MAKER: EndpointMaker<EndpointConfig, UrlParts> = {
  ofUrl: endpointOfUrl,
  ofConfig: (config) => endpointOf({ options: {}, settings: {} }, config),
  inherited: inheritable,
}

/**
 * The endpoints that options and environment name; the preferred one first.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveEndpoints(
  { connectionConfig = {}, databaseUrl, failoverUrls, server = {} }: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  return resolveServers(
    {
      databaseUrl,
      server,
      failoverUrls,
      config: withPassword({ ...connectionConfig }, connectionConfig.password),
      env,
      whatToPass:
        'pass databaseUrl: "mysql://user:password@host:3306/database", or host, user, password and database, ' +
        'or set DATABASE_URL',
    },
    MAKER,
  )
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
  return failoverServers(preferred, failoverUrls, MAKER, env)
}
