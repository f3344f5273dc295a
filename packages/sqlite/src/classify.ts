import { ConnectionLostError } from '@connmgr/core'
import { type FailureKind, isError } from '@connmgr/core/driver'
import { SqliteError } from './errors.js'
import {
  primaryOf,
  resultCodeOf,
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_IOERR,
  SQLITE_NOTADB,
  SQLITE_PROTOCOL,
  SQLITE_READONLY,
  SQLITE_READONLY_DBMOVED,
} from './result-codes.js'

/** How better-sqlite3, libsql and node:sqlite refuse to use a database that was closed. */
const CLOSED = /database connection is not open|database is not open|statement has been finalized/i

/** What an error of a statement means. One that opening has met carries its own kind. */
export function classify(error: unknown): FailureKind {
  if (error instanceof SqliteError) return error.kind
  if (error instanceof ConnectionLostError) return 'lost'
  const code = resultCodeOf(error)
  if (code === undefined) return isOfClosed(error) ? 'lost' : 'statement'
  if (code === SQLITE_READONLY_DBMOVED) return 'lost'
  switch (primaryOf(code)) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
      // Another transaction was first; the same one succeeds when it is run again.
      return 'serialization'
    case SQLITE_READONLY:
      return 'read-only'
    case SQLITE_IOERR:
      // What is on the disk now shows only when the database is opened anew.
      return 'lost'
    case SQLITE_CANTOPEN:
      return 'unreachable'
    case SQLITE_NOTADB:
      return 'setup'
    default:
      return 'statement'
  }
}

function isOfClosed(error: unknown): boolean {
  return isError(error) && CLOSED.test(error.message)
}
