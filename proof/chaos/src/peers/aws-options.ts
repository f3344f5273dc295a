import { POOL_SIZE, TUNED } from './client.js'

/** The failover plugin and the host monitoring of AWS's wrapper, at their fastest. */
export const AWS_PLUGINS = {
  plugins: 'failover,efm2',
  singleWriterConnectionString: true,
  wrapperConnectTimeout: TUNED.connectTimeoutMs,
  wrapperQueryTimeout: TUNED.queryTimeoutMs,
  failureDetectionTime: 1000,
  failureDetectionInterval: 500,
  failureDetectionCount: 2,
} as const

export const AWS_POOL = { maxConnections: POOL_SIZE } as const

/** Where the wrapper finds the servers, and as whom it logs in. */
export function awsServers(scheme: 'mysql' | 'postgres', urls: readonly [string, ...string[]]) {
  const servers = urls.map((url) => new URL(url))
  const { username, password, pathname } = servers[0] as URL
  return {
    host: `${scheme}://${servers.map(({ host }) => host).join(',')}${pathname}`,
    user: username,
    database: pathname.slice(1),
    ...(password === '' ? {} : { password }),
  }
}
