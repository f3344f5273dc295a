import type pg from 'pg'

/**
 * What node-postgres exports. All of this package takes it from here.
 *
 * While node-postgres is loaded it asks whether it runs in a Cloudflare worker: by `navigator`, or where there is none, as in
 * Node 20, by making a `Response` (`isCloudflareRuntime` of its lib/stream.js). That has Node load its whole `fetch`, which
 * takes as long as half of node-postgres does. So Node 20 has the `navigator` of later versions for that moment.
 */
export const nodePostgres = withNavigator((): typeof pg => require('pg'))

function withNavigator<T>(load: () => T): T {
  const isMissing = process.versions.node.startsWith('20.') && !('navigator' in globalThis)
  if (!isMissing) return load()
  const value = { userAgent: 'Node.js/20' }
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true })
  try {
    return load()
  } finally {
    Reflect.deleteProperty(globalThis, 'navigator')
  }
}
