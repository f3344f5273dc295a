import type { Endpoint } from '@connmgr/core'

/** What to connect to: an address for tests that never leaves the process. */
export function fakeEndpoint(id: string): Endpoint {
  const endpoint = { id, host: id, port: 5432, database: 'test' }
  // Not enumerable, as every endpoint's: it is where secrets would be.
  return Object.defineProperty(endpoint, 'config', { value: {} }) as Endpoint
}
