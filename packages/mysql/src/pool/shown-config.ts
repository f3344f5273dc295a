import type { PoolCounts } from '@connmgr/core'
import { createPool } from 'mysql2'
import type { EndpointConfig } from '../config/endpoint-config.js'
import type { MysqlConnectionManager } from '../connection-manager.js'

const SECRETS = ['password', 'password1', 'password2', 'password3', 'passwordSha1']

/**
 * What mysql2's own pool keeps as its `config`, for libraries that read it: the options of the preferred server, with the
 * secrets out of sight of whatever prints a pool.
 */
export function shownConfig(manager: MysqlConnectionManager): object {
  const given = manager.preferred.config as EndpointConfig
  const { poolSize, maxOverflow } = manager.getPoolSettings()
  const limit = poolSize + maxOverflow
  const { password: _password, ...rest } = given
  // It opens nothing before it is asked for a connection, and starts no timer if all of its connections may be idle.
  const pool = createPool({ ...rest, connectionLimit: limit, maxIdle: limit })
  const { config } = pool as unknown as { config: { connectionConfig: Record<string, unknown> } }
  const { connectionConfig } = config
  if (typeof given.password === 'string') connectionConfig.password = given.password
  for (const name of SECRETS) hide(connectionConfig, name)
  return config
}

/** Shows the counts of the engine where mysql2's own pool keeps its queues, of which programs read the lengths. */
export function showQueues(pool: object, counts: () => PoolCounts): void {
  const show = (name: string, length: () => number): void => {
    Object.defineProperty(pool, name, {
      value: Object.defineProperty({}, 'length', { get: length, enumerable: true }),
      configurable: true,
      enumerable: false,
    })
  }
  show('_allConnections', () => counts().total + counts().connecting)
  show('_freeConnections', () => counts().idle)
  show('_connectionQueue', () =>
    Math.max(0, counts().waiting - counts().connecting - counts().testing),
  )
}

/** Who reads it by its name gets it: libraries take the options of a pool for connections of their own. */
function hide(target: Record<string, unknown>, name: string): void {
  if (target[name] === undefined) return
  let value: unknown = target[name]
  Object.defineProperty(target, name, {
    get: () => value,
    set: (changed: unknown) => {
      value = changed
    },
    enumerable: false,
    configurable: true,
  })
}
