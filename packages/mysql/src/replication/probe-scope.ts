import type { Endpoint } from '@connmgr/core'
import { isError, type ProbeScope } from '@connmgr/core/driver'
import type { ConnectionOptions } from 'mysql2'
import { type DriverError, errnoOf } from '../errors/classify.js'

/** What shapes results, or does not concern a probe: it differs between tenants, and changes no answer. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  'bigNumberStrings',
  'database',
  'dateStrings',
  'decimalNumbers',
  'jsonStrings',
  'maxPreparedStatements',
  'multipleStatements',
  'namedPlaceholders',
  'nestTables',
  'queryFormat',
  'rowsAsArray',
  'stringifyObjects',
  'supportBigNumbers',
  'timezone',
  'trace',
  'typeCast',
])

/** What the answers of a server to a probe depend on: its address, and how one logs in there. */
export function probeScopeOf(endpoint: Endpoint): ProbeScope {
  const config = endpoint.config as ConnectionOptions & Record<string, unknown>
  const relevant = Object.getOwnPropertyNames(config)
    .filter((name) => !IRRELEVANT.has(name) && config[name] !== undefined)
    .sort()
    .map((name) => [name, config[name]])
  return { server: [endpoint.host, endpoint.port, relevant], database: endpoint.database ?? '' }
}

/** No such database, or no right to it. */
const OF_DATABASE: ReadonlySet<unknown> = new Set([1044, 1049])

/** Whether a failed login concerns the database that it named, and other databases of the server may do well. */
export function isOfDatabase(error: unknown): boolean {
  return isError(error) && OF_DATABASE.has(errnoOf(error as DriverError))
}
