import { MysqlConnectionManager } from '@connmgr/mysql'
import type { Binding } from '../binding.js'
import type { Databases } from '../managed-types.js'
import { managerFor } from './connection-options.js'
import { managedMysql } from './managed-mysql.js'

/** TypeORM over mysql2: it calls `driver.createPool`, or `driver.createPoolCluster` with the option `replication`. */
export const MYSQL: Binding<Databases['mysql']> = {
  driverProperty: 'mysql',
  checkOptions() {},
  isManager: (given) => given instanceof MysqlConnectionManager,
  createManager: managerFor,
  createDriver: managedMysql,
}
