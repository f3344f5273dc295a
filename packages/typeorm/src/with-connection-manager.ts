import { InvalidOptionError } from '@connmgr/core'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { DataSource } from 'typeorm'
import { type PostgresDataSourceOptions, requirePostgres } from './connection-options.js'
import { lifecycleOf, ManagerLifecycle, managedDriver } from './managed-driver.js'

/**
 * The options of a DataSource whose connections connmgr manages.
 *
 * Where the servers are is taken from the DataSource's options (`url`, or `host` and so on, or `replication`) unless
 * the manager's options say it. Given a manager instead of options, that one is used, and it is not closed by
 * `destroy()`.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const dataSource = new DataSource(
 *   withConnectionManager({ type: 'postgres', url, entities }, { poolSize: 5, maxOverflow: 10, failoverUrls }),
 * )
 */
export function withConnectionManager<O extends PostgresDataSourceOptions>(
  dataSourceOptions: O,
  manager: PgManagerOptions | PgConnectionManager = {},
): O {
  requirePostgres(dataSourceOptions)
  return {
    ...dataSourceOptions,
    driver: managedDriver(new ManagerLifecycle(dataSourceOptions, manager)),
  }
}

/**
 * Puts connmgr under a DataSource that exists already, before it is initialized.
 *
 * @returns the manager
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also if the DataSource is initialized already
 */
export function attachConnectionManager(
  dataSource: DataSource,
  manager: PgManagerOptions | PgConnectionManager = {},
): PgConnectionManager {
  requirePostgres(dataSource.options)
  if (dataSource.isInitialized) {
    throw new InvalidOptionError(
      'dataSource',
      'the DataSource is initialized already and has its own pool; call attachConnectionManager before initialize()',
    )
  }
  const lifecycle = new ManagerLifecycle(dataSource.options, manager)
  ;(dataSource.driver as unknown as { postgres: unknown }).postgres = managedDriver(lifecycle)
  return lifecycle.manager
}

/**
 * The manager of a DataSource: metrics, leaks, health and failover.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if connmgr does not manage the DataSource
 */
export function getConnections(dataSource: DataSource): PgConnectionManager {
  const { postgres } = dataSource.driver as unknown as { postgres?: unknown }
  const lifecycle = lifecycleOf(postgres)
  if (lifecycle === undefined) {
    throw new InvalidOptionError(
      'dataSource',
      'connmgr does not manage this DataSource; make it with new DataSource(withConnectionManager(options)) ' +
        'or call attachConnectionManager(dataSource) before initialize()',
    )
  }
  return lifecycle.manager
}
