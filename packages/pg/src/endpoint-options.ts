import type { Endpoint } from '@connmgr/core'
import {
  type EndpointMaker,
  failoverServers,
  resolveServers,
  type ServerParts,
} from '@connmgr/core/driver'
import type { ClientConfig } from 'pg'
import type { UrlParts } from './connection-url.js'
import { configuredEndpoint, endpointOfUrl, inheritable, withPassword } from './endpoint-config.js'

/** Where the servers are and how to log in. */
export interface EndpointOptions {
  readonly databaseUrl?: string | undefined
  readonly server?: ServerParts
  readonly failoverUrls?: readonly string[] | string | undefined
  readonly clientConfig?: ClientConfig | undefined
}

/**
 * The endpoints that options and environment name; the preferred one first.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function resolveEndpoints(
  { clientConfig = {}, databaseUrl, failoverUrls, server = {} }: EndpointOptions,
  env: NodeJS.ProcessEnv = process.env,
): Endpoint[] {
  return resolveServers(
    {
      databaseUrl,
      server,
      failoverUrls,
      config: withPassword({ ...clientConfig }, clientConfig.password),
      env,
      // As node-postgres and libpq read the environment.
      environmentNamesServer: [env.PGHOST, env.PGPORT, env.PGUSER, env.PGDATABASE].some(Boolean),
      whatToPass:
        'pass databaseUrl: "postgres://user:password@host:5432/database", or host, user, password and database, ' +
        'or set DATABASE_URL or PGHOST',
    },
    makerFor(env),
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
  return failoverServers(preferred, failoverUrls, makerFor(env), env)
}

function makerFor(env: NodeJS.ProcessEnv): EndpointMaker<ClientConfig, UrlParts> {
  return {
    ofUrl: (named, base) => endpointOfUrl(named, base, env),
    ofConfig: (config) => configuredEndpoint(config, env),
    inherited: inheritable,
  }
}
