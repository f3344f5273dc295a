import type { Endpoint } from '@connmgr/core'
import { makeEndpoint } from '@connmgr/core/driver'
import type { Location } from './location/location.js'

/** How the durability of a commit is chosen, https://www.sqlite.org/pragma.html#pragma_synchronous */
export type Synchronous = 'off' | 'normal' | 'full' | 'extra'

/** Where SQLite writes before it commits, https://www.sqlite.org/pragma.html#pragma_journal_mode */
export type JournalMode = 'wal' | 'delete' | 'truncate' | 'persist' | 'memory' | 'off'

/** What one endpoint needs to open its connections. */
export interface SqliteEndpointConfig {
  readonly location: Location
  /** The connections of this endpoint only read. */
  readonly readOnly: boolean
  /** The database is not written to at all, by no endpoint, and is not created. */
  readonly readOnlyDatabase: boolean
  /** `undefined` to leave it as it is in the file. */
  readonly journalMode: JournalMode | undefined
  readonly synchronous: Synchronous | undefined
  /** Set on every connection. */
  readonly pragmas: Readonly<Record<string, string | number | boolean>>
}

/** What an endpoint of this driver is made of. */
export function endpointOf(
  id: string,
  config: SqliteEndpointConfig,
  more: Pick<Endpoint, 'role' | 'size' | 'capacity'> = {},
): Endpoint {
  return makeEndpoint({ ...more, id }, config)
}
