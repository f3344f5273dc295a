import { InvalidOptionError } from '@connmgr/core'
import { PgConnectionManager } from '@connmgr/pg'
import type { Binding } from '../binding.js'
import type { Databases } from '../managed-types.js'
import { managerFor } from './connection-options.js'
import { managedPg } from './managed-pg.js'

/** TypeORM over node-postgres: it calls `new driver.Pool` for the master and for each slave. */
export const POSTGRES: Binding<Databases['postgres']> = {
  driverProperty: 'postgres',
  checkOptions({ nativeDriver }) {
    if (nativeDriver !== undefined)
      throw new InvalidOptionError(
        'nativeDriver',
        'option "nativeDriver" cannot be used with @connmgr/typeorm; leave it out',
      )
  },
  isManager: (given) => given instanceof PgConnectionManager,
  createManager: managerFor,
  createDriver: managedPg,
}
