import {
  checkManagerOptions,
  rejectForeignOptions,
  rejectUnknownOptions,
} from '@connmgr/core/driver'
import { withPassword } from './config/endpoint-config.js'
import { resolveEndpoints } from './config/endpoint-options.js'
import { CONNECTION_OPTIONS } from './config/option-names.js'
import { MysqlConnectionManager } from './connection-manager.js'
import { MYSQL_OPTIONS, type MysqlManagerOptions } from './manager-options.js'
import { ManagedPool } from './pool/managed-pool.js'

/**
 * Makes the manager of a MySQL or MariaDB database. It connects when first used, or on `start()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = createConnectionManager({ databaseUrl: 'mysql://app:secret@db1/app', failoverUrls: ['mysql://db2'] })
 * const [rows] = await manager.pool.promise().query('select now()')
 */
export function createConnectionManager(options: MysqlManagerOptions = {}): MysqlConnectionManager {
  checkManagerOptions(options, MYSQL_OPTIONS)
  const {
    databaseUrl,
    host,
    port,
    socketPath,
    user,
    database,
    failoverUrls,
    password,
    ssl,
    connectionConfig = {},
    ...managerOptions
  } = options
  rejectForeignOptions(connectionConfig, CONNECTION_OPTIONS, 'the option connectionConfig', {})
  rejectUnknownOptions(connectionConfig, CONNECTION_OPTIONS, 'the option connectionConfig')
  const {
    host: itsHost,
    port: itsPort,
    user: itsUser,
    database: itsDatabase,
    socketPath: itsSocket,
    password: itsPassword,
    ...rest
  } = connectionConfig
  const config = withPassword(
    { ...rest, ...(ssl === undefined ? {} : { ssl }) },
    password ?? itsPassword,
  )
  const endpoints = resolveEndpoints({
    databaseUrl,
    server: {
      host: host ?? itsHost,
      port: port ?? itsPort,
      user: user ?? itsUser,
      database: database ?? itsDatabase,
      socketPath: socketPath ?? itsSocket,
    },
    failoverUrls,
    connectionConfig: config,
  })
  return new MysqlConnectionManager(endpoints, managerOptions, ManagedPool.of)
}
