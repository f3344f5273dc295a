import { SqliteConnectionManager } from '@connmgr/sqlite'
import type { Binding } from '../binding.js'
import type { Databases } from '../managed-types.js'
import { checkOptions, managerFor } from './connection-options.js'
import { adoptDriver, managedSqlite } from './managed-sqlite.js'

/** TypeORM over better-sqlite3, whose one connection and one query runner give way to those of a manager. */
export const SQLITE: Binding<Databases['better-sqlite3']> = {
  driverProperty: 'sqlite',
  checkOptions,
  isManager: (given) => given instanceof SqliteConnectionManager,
  createManager: managerFor,
  createDriver: managedSqlite,
  adoptDriver,
}
