import type { Endpoint } from '@connmgr/core'
import type { ClientConfig } from 'pg'
import { connectionStringOf } from './endpoint-config.js'

/**
 * What a client class of the user is made with: what pg-pool would give it, and where the endpoint is. It has the URL as
 * `connectionString` if that says it all, so that a class which copies its configuration, or reads the URL, gets along.
 *
 * @param clientOptions as the pool has been given them
 * @param config of the endpoint
 * @param own what is the engine's in it, which the URL must not overrule
 */
export function configForClass(
  endpoint: Endpoint,
  clientOptions: object,
  config: ClientConfig,
  own: ClientConfig,
): ClientConfig {
  const connectionString = withoutParameters(connectionStringOf(endpoint), Object.keys(own))
  const whole: ClientConfig = { ...clientOptions, ...config }
  delete whole.connectionString
  if (connectionString !== undefined) whole.connectionString = connectionString
  // As pg-pool, which hides the password that it was given.
  return Object.defineProperty(whole, 'password', {
    value: config.password,
    enumerable: connectionString === undefined && !('password' in clientOptions),
    writable: true,
    configurable: true,
  })
}

function withoutParameters(url: string | undefined, names: readonly string[]): string | undefined {
  const [address, query] = url?.split(/\?(.*)/s) ?? []
  if (query === undefined) return url
  const rest = query.split('&').filter((each) => !names.includes(each.split('=', 1)[0] as string))
  return rest.length === 0 ? address : `${address}?${rest.join('&')}`
}
