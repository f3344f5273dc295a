import { checkManagerOptions, rejectForeignOptions } from '@connmgr/core/driver'
import { PgConnectionManager } from './connection-manager.js'
import { type EndpointConfig, withPassword } from './endpoint-config.js'
import { resolveEndpoints } from './endpoint-options.js'
import { CLIENT_OPTIONS, FOREIGN_TO_PG } from './foreign-to-pg.js'
import { ManagedPool } from './managed-pool.js'
import { PG_OPTIONS, type PgManagerOptions } from './manager-options.js'

/**
 * Makes the manager of a PostgreSQL database. It connects when first used, or on `start()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl: 'postgres://app:secret@db1/app', failoverUrls: ['postgres://app:secret@db2/app'] })
 * const { rows } = await manager.use((client) => client.query('select now()'))
 */
export function createConnectionManager(options: PgManagerOptions = {}): PgConnectionManager {
  checkManagerOptions(options, PG_OPTIONS)
  const {
    databaseUrl,
    host,
    port,
    user,
    database,
    failoverUrls,
    password,
    ssl,
    requireAuth,
    clientConfig = {},
    Client,
    ...managerOptions
  } = options
  // A client class of the user may have options of any name.
  if (Client === undefined)
    rejectForeignOptions(clientConfig, CLIENT_OPTIONS, 'the option clientConfig', FOREIGN_TO_PG)
  const {
    host: itsHost,
    port: itsPort,
    user: itsUser,
    database: itsDatabase,
    ...rest
  } = clientConfig
  const config: EndpointConfig = { ...rest, ...(requireAuth === undefined ? {} : { requireAuth }) }
  if (ssl !== undefined) config.ssl = ssl
  const endpoints = resolveEndpoints({
    databaseUrl,
    server: {
      host: host ?? itsHost,
      port: port ?? itsPort,
      user: user ?? itsUser,
      database: database ?? itsDatabase,
    },
    failoverUrls,
    clientConfig: withPassword(config, password ?? clientConfig.password),
  })
  return new PgConnectionManager(endpoints, managerOptions, { poolOf: ManagedPool.of, Client })
}
