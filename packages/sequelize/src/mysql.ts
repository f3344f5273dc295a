import type * as Mysql from '@connmgr/mysql'
import type { Connection } from 'mysql2'
import type { Sequelize } from 'sequelize'
import { internalsOf } from './sequelize-internals.js'
import { defined, serversOf, sizesOf } from './server-options.js'
import { offsetOf } from './time-zone.js'

/** The manager of a Sequelize for MySQL or MariaDB through mysql2, likewise. */
export function mysqlManager(
  { createConnectionManager }: typeof Mysql,
  sequelize: Sequelize,
  { onConnect, connectionConfig, ...given }: Mysql.MysqlManagerOptions,
): Mysql.MysqlConnectionManager {
  const { config, options, connectionManager } = internalsOf(sequelize)
  const { ssl, ...dialectOptions } = config.dialectOptions ?? {}
  const { timezone } = options
  // Refused now rather than at the first connect.
  offsetOf(timezone)
  return createConnectionManager({
    ...serversOf(sequelize, 'mysql', given),
    ...sizesOf(config),
    ...defined({ ssl: ssl as Mysql.MysqlManagerOptions['ssl'] }),
    ...given,
    connectionConfig: {
      // As Sequelize's own: what an UPDATE has changed is counted, not what it has found.
      flags: ['-FOUND_ROWS'],
      timezone,
      typeCast: (field: unknown, next: () => unknown) =>
        connectionManager.constructor._typecast?.call(connectionManager, field, next),
      bigNumberStrings: false,
      supportBigNumbers: true,
      ...dialectOptions,
      ...connectionConfig,
    } as Mysql.EndpointConfig,
    onConnect: async (connection) => {
      if (!config.keepDefaultTimezone)
        await send(connection, `SET time_zone = '${offsetOf(timezone)}'`)
      await internalsOf(sequelize).runHooks('afterConnect', connection, config)
      await onConnect?.(connection)
    },
  })
}

function send(connection: Connection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error) => (error ? reject(error) : resolve()))
  })
}
