import { isIP } from 'node:net'
import { inspect } from 'node:util'
import type { Endpoint } from './contract.js'

/**
 * Makes an endpoint whose `config` stays out of sight of JSON, spread and `console.log`, as it may hold a password.
 *
 * @param facts what everybody may see
 * @param config what the driver connects with
 */
export function makeEndpoint<F extends Omit<Endpoint, 'config'>, C>(
  facts: F,
  config: C,
): F & { readonly config: C } {
  const endpoint = { ...facts }
  Object.defineProperty(endpoint, 'config', { value: config, enumerable: false })
  Object.defineProperty(endpoint, inspect.custom, {
    value: () => `Endpoint(${facts.id})`,
    enumerable: false,
  })
  return endpoint as F & { readonly config: C }
}

/** The id of a server's endpoint: `host:port/database`. */
export function addressId(host: string, port: number, database?: string): string {
  const shown = isIP(host) === 6 ? `[${host}]` : host
  return `${shown}:${port}${database === undefined ? '' : `/${database}`}`
}

/** Puts a password into a configuration, out of sight of JSON, spread and `console.log`. */
export function withHiddenPassword<C extends object, P>(
  config: C,
  password: P,
): C & { password?: P } {
  return Object.defineProperty(config, 'password', {
    value: password,
    enumerable: false,
    writable: true,
    configurable: true,
  })
}
