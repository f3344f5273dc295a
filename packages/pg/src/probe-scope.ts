import type { Endpoint } from '@connmgr/core'
import { isError, type ProbeScope } from '@connmgr/core/driver'
import type { ClientConfig } from 'pg'
import type { ClientClass } from './session-opener.js'

/** What a probe sets for itself, or does not need: it differs between tenants, and changes no answer. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  'application_name',
  'database',
  'fallback_application_name',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'query_timeout',
  'statement_timeout',
  'types',
])

/**
 * What the answers of a server to a probe depend on: its address, and how one logs in there. Role, timeline, identity and
 * position are the server's, whatever the database.
 */
export function probeScopeOf(endpoint: Endpoint, Client: ClientClass): ProbeScope {
  const config = endpoint.config as ClientConfig & Record<string, unknown>
  const relevant = Object.getOwnPropertyNames(config)
    .filter((name) => !IRRELEVANT.has(name) && config[name] !== undefined)
    .sort()
    .map((name) => [name, config[name]])
  return {
    server: [endpoint.host, endpoint.port, Client, relevant],
    database: endpoint.database ?? '',
  }
}

/** The database does not exist, or accepts no connections, or not from this role. */
const OF_DATABASE: ReadonlySet<unknown> = new Set(['3D000', '42501', '55000'])

/** Whether a failed login concerns the database that it named, and other databases of the server may do well. */
export function isOfDatabase(error: unknown): boolean {
  if (!isError(error)) return false
  const { code } = error as { code?: unknown }
  if (OF_DATABASE.has(code)) return true
  // A rule of the server for one database is broken; its name is the same in every language.
  if (code === '28000') return error.message.includes('pg_hba.conf')
  // The limit of one database, or else that of a role or of the server.
  return code === '53300' && /\bdatabase\b/.test(error.message)
}
