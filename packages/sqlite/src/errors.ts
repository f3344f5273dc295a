import { type FailureKind, isEndedOnPurpose, isError } from '@connmgr/core/driver'
import {
  codeName,
  primaryOf,
  resultCodeOf,
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_NOTADB,
} from './result-codes.js'

/** Errors of this package whose kind is known where they are made. */
export abstract class SqliteError extends Error {
  /** The name of SQLite's result code: `SQLITE_BUSY`. */
  readonly code: string
  /** SQLite's result code. */
  readonly rawCode: number
  /** @internal what the engine is to make of it */
  readonly kind: FailureKind

  constructor(message: string, rawCode: number, kind: FailureKind, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = codeName(rawCode)
    this.rawCode = rawCode
    this.kind = kind
  }
}

/**
 * Another connection has held the lock that was needed for longer than `busyTimeoutMs`, or than the caller of a
 * transaction waits. Nothing was written. The message
 * says who holds it, as far as that can be known. `cause` is the library's error.
 */
export class DatabaseBusyError extends SqliteError {
  override readonly name = 'DatabaseBusyError'
  /** How long the lock was waited for. */
  readonly waitedMs: number
  /** Who holds the lock, for people to read. */
  readonly heldBy: string

  constructor(what: string, waitedMs: number, heldBy: string, cause: unknown) {
    super(
      `${what} has waited ${Math.round(waitedMs)} ms for a lock on the database, which is held ${heldBy}`,
      SQLITE_BUSY,
      'statement',
      cause,
    )
    this.waitedMs = waitedMs
    this.heldBy = heldBy
  }
}

/** A database could not be opened. `cause` is the library's error. */
export class DatabaseOpenError extends SqliteError {
  override readonly name = 'DatabaseOpenError'
}

/** The error of a database that could not be opened, with what is likely to be wrong. */
export function openError(id: string, cause: unknown, hint?: string): DatabaseOpenError {
  const code = resultCodeOf(cause) ?? SQLITE_CANTOPEN
  const said = isError(cause) ? cause.message : String(cause)
  const why = hint ?? (primaryOf(code) === SQLITE_NOTADB ? NOT_A_DATABASE : said)
  return new DatabaseOpenError(`cannot open ${id}: ${why}`, code, kindOfOpening(code), cause)
}

const NOT_A_DATABASE = 'it is no SQLite database, or an encrypted one'

function kindOfOpening(code: number): FailureKind {
  switch (primaryOf(code)) {
    case SQLITE_BUSY:
      return 'busy'
    case SQLITE_NOTADB:
      return 'setup'
    default:
      return 'unreachable'
  }
}

/** Whether an error comes of a limit that was set on purpose, `busyTimeoutMs` among them, or of an end that was asked for. */
export function isDeliberate(error: unknown): boolean {
  return isEndedOnPurpose(error, (each) => each instanceof DatabaseBusyError)
}
