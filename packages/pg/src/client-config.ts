import type { Endpoint } from '@connmgr/core'
import type { ClientConfig } from 'pg'
import { connectionStringOf } from './endpoint-config.js'

/**
 * What a client class of the user is made with: what pg-pool would give it, and where the endpoint is. It has the URL as
 * `connectionString` if that says it all, so that a class which copies its configuration, or reads the URL, gets along.
 *
 * @param clientOptions as the pool has been given them
 * @param config of the endpoint
 */
export function configForClass(
  endpoint: Endpoint,
  clientOptions: object,
  config: ClientConfig,
): ClientConfig {
  const connectionString = connectionStringOf(endpoint)
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
