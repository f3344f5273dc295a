import { InvalidOptionError } from '@connmgr/core'
import { registerErrors } from '@connmgr/core/driver'
import type { DataSource, DataSourceOptions } from 'typeorm'
import * as typeorm from 'typeorm'
import { bindingOf, requireManaged } from './bindings.js'
import { ownershipOfSource } from './data-source-ownership.js'
import { TYPEORM_ERRORS } from './error-reader.js'
import type {
  DataSourceOptionsOf,
  GivenFor,
  ManagedDataSourceOptions,
  ManagedType,
  ManagerOf,
  ManagerOptionsOf,
  MysqlDataSourceOptions,
  PostgresDataSourceOptions,
  SqliteDataSourceOptions,
} from './managed-types.js'
import { ManagerOwnership, mark, refuseManager } from './manager-ownership.js'
import { nameCallers } from './named-callers.js'

/** What the module of NestJS takes beside the options of a DataSource, and keeps from it: here it is handed on. */
interface NestModuleOptions {
  readonly autoLoadEntities?: boolean
  readonly manualInitialization?: boolean
  readonly retryAttempts?: number
  readonly retryDelay?: number
  readonly toRetry?: (error: unknown) => boolean
  readonly verboseRetryLog?: boolean
}

/** Where the file is may be left to the manager. */
type SqliteOptionsOfManager = Omit<SqliteDataSourceOptions, 'database'> &
  Partial<Pick<SqliteDataSourceOptions, 'database'>>

/** Options that may be those of a managed database, as far as their type tells. */
type MaybeManaged<O extends DataSourceOptions> = [Extract<O, ManagedDataSourceOptions>] extends [
  never,
]
  ? ManagedDataSourceOptions
  : [Exclude<O, ManagedDataSourceOptions>] extends [never]
    ? never
    : O

/**
 * The options of a DataSource whose connections connmgr manages: for PostgreSQL, MySQL, MariaDB, and SQLite by
 * better-sqlite3.
 *
 * Where the servers are is taken from the DataSource's options (`url`, or `host` and so on, or `replication`, or
 * `database` of SQLite, which may be left out then) unless the manager's options say it. Given a manager instead of options, that one is used, and it
 * is not closed by `destroy()`. Options of the type `DataSourceOptions` are taken too; at run time they must be for one of
 * these databases.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also for another database, and if its library is not installed
 *
 * @example
 * const dataSource = new DataSource(
 *   withConnectionManager({ type: 'postgres', url, entities }, { poolSize: 5, maxOverflow: 10, failoverUrls }),
 * )
 */
// None infers the type of a literal of the options, so that a misspelt option is an error there; the last one is that
// which TypeScript explains an error by.
export function withConnectionManager<O extends DataSourceOptions>(
  dataSourceOptions: O & MaybeManaged<O>,
  manager?: GivenFor<ManagedType>,
): O
export function withConnectionManager(
  dataSourceOptions: MysqlDataSourceOptions & NestModuleOptions,
  manager?: GivenFor<'mysql'>,
): MysqlDataSourceOptions
export function withConnectionManager(
  dataSourceOptions: SqliteOptionsOfManager & NestModuleOptions,
  manager?: GivenFor<'better-sqlite3'>,
): SqliteDataSourceOptions
export function withConnectionManager(
  dataSourceOptions: PostgresDataSourceOptions & NestModuleOptions,
  manager?: GivenFor<'postgres'>,
): PostgresDataSourceOptions
export function withConnectionManager(
  dataSourceOptions: DataSourceOptions | (SqliteOptionsOfManager & NestModuleOptions),
  manager: GivenFor<ManagedType> = {},
): ManagedDataSourceOptions {
  const options = dataSourceOptions as DataSourceOptions
  requireManaged(options)
  const { driver } = manage(options.type, options, manager)
  return { ...options, driver }
}

/**
 * Puts connmgr under a DataSource that exists already, before it is initialized.
 *
 * @param type that of the DataSource, for the types of the options and of the manager. `@default` 'postgres'
 * @returns the manager
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`, also if the DataSource is initialized already, or of another type
 */
export function attachConnectionManager(
  dataSource: DataSource,
  manager?: GivenFor<'postgres'>,
): ManagerOf<'postgres'>
export function attachConnectionManager<T extends ManagedType>(
  dataSource: DataSource,
  manager: GivenFor<T>,
  type: T,
): ManagerOf<T>
export function attachConnectionManager(
  dataSource: DataSource,
  manager: GivenFor<ManagedType> = {},
  type?: ManagedType,
): ManagerOf<ManagedType> {
  const { options } = dataSource
  requireManaged(options)
  requireType(options.type, type)
  if (dataSource.isInitialized) {
    throw new InvalidOptionError(
      'dataSource',
      'the DataSource is initialized already and has its own pool; call attachConnectionManager before initialize()',
    )
  }
  const binding = bindingOf(options.type)
  const { driver, ownership } = manage(options.type, options, manager)
  Object.assign(dataSource.driver, { [binding.driverProperty]: driver })
  binding.adoptDriver?.(dataSource.driver)
  return ownership.manager
}

/**
 * The manager of a DataSource: metrics, leaks, health and failover.
 *
 * @param type that of the DataSource, for the type of the manager. `@default` 'postgres' for the type, and not checked
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if connmgr does not manage the DataSource, or it is of another type
 *
 * @example
 * getConnections(dataSource, 'mariadb').getFailoverStatus()
 */
export function getConnections(dataSource: DataSource): ManagerOf<'postgres'>
export function getConnections<T extends ManagedType>(dataSource: DataSource, type: T): ManagerOf<T>
export function getConnections(dataSource: DataSource, type?: ManagedType): ManagerOf<ManagedType> {
  requireType(dataSource.options.type, type)
  const ownership = ownershipOfSource(dataSource)
  if (ownership === undefined) {
    throw new InvalidOptionError(
      'dataSource',
      'connmgr does not manage this DataSource; make it with new DataSource(withConnectionManager(options)) ' +
        'or call attachConnectionManager(dataSource) before initialize()',
    )
  }
  return ownership.manager
}

/** Makes the manager, and what TypeORM is to be given. */
function manage<T extends ManagedType>(
  type: T,
  dataSourceOptions: DataSourceOptions,
  given: GivenFor<ManagedType>,
): { readonly driver: object; readonly ownership: ManagerOwnership<ManagerOf<T>> } {
  registerErrors(TYPEORM_ERRORS)
  nameCallers(typeorm)
  const binding = bindingOf(type)
  const options = dataSourceOptions as DataSourceOptionsOf<T>
  if (!binding.isManager(given)) refuseManager(given, type)
  const ownership = new ManagerOwnership<ManagerOf<T>>(
    binding.isManager(given)
      ? { given }
      : { create: () => binding.createManager(options, given as ManagerOptionsOf<T>) },
  )
  return { driver: mark(binding.createDriver(ownership, options), ownership), ownership }
}

function requireType(found: string, wanted: ManagedType | undefined): void {
  if (wanted === undefined || wanted === found) return
  throw new InvalidOptionError(
    'type',
    `the DataSource is of type '${found}', not '${wanted}'; name its own type`,
  )
}
