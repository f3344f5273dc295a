import { InvalidOptionError } from '@connmgr/core'
import type { PgConnectionManager, PgManagerOptions } from '@connmgr/pg'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { type PostgresDataSourceOptions, requirePostgres } from './connection-options.js'
import { lifecycleOf, ManagerLifecycle, managedDriver } from './managed-driver.js'

/** What the module of NestJS takes beside the options of a DataSource, and keeps from it: here it is handed on. */
interface NestModuleOptions {
  readonly autoLoadEntities?: boolean
  readonly manualInitialization?: boolean
  readonly retryAttempts?: number
  readonly retryDelay?: number
  readonly toRetry?: (error: unknown) => boolean
  readonly verboseRetryLog?: boolean
}

/** Options that may be those of PostgreSQL, as far as their type tells. */
type MaybePostgres<O extends DataSourceOptions> = [Extract<O, PostgresDataSourceOptions>] extends [
  never,
]
  ? PostgresDataSourceOptions
  : [Exclude<O, PostgresDataSourceOptions>] extends [never]
    ? never
    : O

/**
 * The options of a DataSource whose connections connmgr manages.
 *
 * Where the servers are is taken from the DataSource's options (`url`, or `host` and so on, or `replication`) unless
 * the manager's options say it. Given a manager instead of options, that one is used, and it is not closed by
 * `destroy()`. Options of the type `DataSourceOptions` are taken too; at run time they must be for PostgreSQL.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also for another database than PostgreSQL
 *
 * @example
 * const dataSource = new DataSource(
 *   withConnectionManager({ type: 'postgres', url, entities }, { poolSize: 5, maxOverflow: 10, failoverUrls }),
 * )
 */
// Neither infers the type of a literal of PostgreSQL's options, so that a misspelt option is an error there; the last
// one is that which TypeScript explains an error by.
export function withConnectionManager<O extends DataSourceOptions>(
  dataSourceOptions: O & MaybePostgres<O>,
  manager?: PgManagerOptions | PgConnectionManager,
): O
export function withConnectionManager(
  dataSourceOptions: PostgresDataSourceOptions & NestModuleOptions,
  manager?: PgManagerOptions | PgConnectionManager,
): PostgresDataSourceOptions
export function withConnectionManager(
  dataSourceOptions: DataSourceOptions,
  manager: PgManagerOptions | PgConnectionManager = {},
): PostgresDataSourceOptions {
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
