import { isError } from '@connmgr/core/driver'
import type { Attributes } from '@opentelemetry/api'

/** What the libraries of databases put on their errors. */
interface DatabaseError {
  readonly code?: unknown
  readonly errno?: unknown
  readonly sqlState?: unknown
}

const SQLSTATE = /^[\dA-Z]{5}$/

/**
 * What a span says of an error: its code, as `db.client.operation.duration` has it, and what the database itself answered.
 * Never its message, which may quote values.
 */
export function failureAttributes(error: unknown, database: string): Attributes {
  const status = statusCodeOf(error, database)
  return {
    'error.type': typeOf(error),
    ...(status === undefined ? {} : { 'db.response.status_code': status }),
  }
}

function typeOf(error: unknown): string {
  if (!isError(error)) return '_OTHER'
  const { code } = error as DatabaseError
  return typeof code === 'string' && code !== '' ? code : error.name
}

/** By the conventions of each database: PostgreSQL's SQLSTATE, MySQL's number, SQLite's name of its code. */
function statusCodeOf(error: unknown, database: string): string | undefined {
  if (!isError(error)) return undefined
  const { code, errno, sqlState } = error as DatabaseError
  // Errors of the network have a number too, and no SQLSTATE.
  if (database === 'mysql')
    return typeof errno === 'number' && typeof sqlState === 'string' ? String(errno) : undefined
  if (typeof code !== 'string') return undefined
  const isOfDatabase = database === 'sqlite' ? code.startsWith('SQLITE_') : SQLSTATE.test(code)
  return isOfDatabase ? code : undefined
}
