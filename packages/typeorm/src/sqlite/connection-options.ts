import { InvalidOptionError } from '@connmgr/core'
import {
  createConnectionManager,
  type SqliteConnection,
  type SqliteConnectionManager,
  type SqliteManagerOptions,
} from '@connmgr/sqlite'
import type { SqliteDataSourceOptions } from '../managed-types.js'

/** Options of better-sqlite3 that the connections of a manager cannot have. */
const REFUSED = {
  key: 'encrypted databases cannot be opened',
  nativeBinding: 'the add-on that better-sqlite3 finds by itself is used',
  verbose: 'use the option "logging" of the DataSource, or the events of the manager',
} as const

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkOptions(options: SqliteDataSourceOptions): void {
  for (const [name, advice] of Object.entries(REFUSED)) {
    if (options[name as keyof typeof REFUSED] === undefined) continue
    throw new InvalidOptionError(
      name,
      `option "${name}" cannot be used with @connmgr/typeorm; leave it out: ${advice}`,
    )
  }
}

/**
 * The manager for a DataSource: the file and the settings that its options name, unless `managerOptions` say otherwise.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function managerFor(
  { database, readonly, timeout, prepareDatabase }: SqliteDataSourceOptions,
  managerOptions: SqliteManagerOptions,
): SqliteConnectionManager {
  const { filename, databaseUrl, onConnect } = managerOptions
  const elsewhere = filename !== undefined || databaseUrl !== undefined
  return createConnectionManager({
    // TypeORM reads values as better-sqlite3 gives them.
    library: 'better-sqlite3',
    ...(elsewhere || database === undefined ? {} : { filename: database }),
    ...(readonly === undefined ? {} : { readOnly: readonly }),
    ...(timeout === undefined ? {} : { busyTimeoutMs: timeout }),
    ...managerOptions,
    ...(prepareDatabase === undefined
      ? {}
      : {
          onConnect: async (connection: SqliteConnection): Promise<void> => {
            await prepareDatabase(connection.native)
            await onConnect?.(connection)
          },
        }),
  })
}
