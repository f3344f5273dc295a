import type { Database, Databases } from './managed-types.js'
import type { ManagerOwnership } from './manager-ownership.js'

/** What one database is for this adapter. It holds no logic of the engine. */
export interface Binding<D extends Database> {
  /** Where TypeORM's driver keeps what it was given as the option `driver`. */
  readonly driverProperty: string
  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for an option of the DataSource that cannot be had */
  checkOptions(options: D['dataSource']): void
  isManager(given: object): given is D['manager']
  /** The manager for a DataSource. @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  createManager(dataSourceOptions: D['dataSource'], managerOptions: D['options']): D['manager']
  /** What TypeORM is to take for the library of its database. */
  createDriver(
    ownership: ManagerOwnership<D['manager']>,
    dataSourceOptions: D['dataSource'],
  ): object
  /** Prepares the driver of a DataSource that exists already, beyond what it is given. */
  adoptDriver?(driver: object): void
}

/** The bindings by type, each loaded when it is asked for. */
export type Bindings = { readonly [T in keyof Databases]: () => Binding<Databases[T]> }
