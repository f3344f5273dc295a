import { ConnectionManager } from '@connmgr/core'
import type { SqliteLibrary } from '@connmgr/sqlite'
import { bindingOf } from '../src/bindings/load.js'
import type { SqliteConnection } from '../src/connection.js'
import { SqliteDriver } from '../src/driver.js'
import { endpointOf } from '../src/endpoint.js'
import { locate } from '../src/location/location.js'
import { flat } from './flat-driver.js'
export function interim(path: string, library: SqliteLibrary, busyTimeoutMs = 30000) {
  const driver = new SqliteDriver({ binding: bindingOf(library), busyTimeoutMs })
  return new ConnectionManager<SqliteConnection>({
    driver: flat(driver),
    endpoints: [
      endpointOf(path, {
        location: locate(path, 'x'),
        readOnly: false,
        readOnlyDatabase: false,
        journalMode: 'wal',
        synchronous: 'normal',
        pragmas: {},
      }),
    ],
    options: { poolSize: 1, maxOverflow: 0, logger: false },
  })
}
