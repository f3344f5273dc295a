import { createRequire } from 'node:module'
import { isError } from '@connmgr/core/driver'
import { codeName, primaryOf, resultCodeOf } from '../result-codes.js'

/** An error of libSQL's client. */
export interface LibsqlErrorLike extends Error {
  readonly code: string
  readonly extendedCode?: string
  readonly rawCode?: number
  readonly statementIndex?: number
}

type ErrorClass = new (
  message: string,
  code: string,
  extendedCode?: string,
  rawCode?: number,
  cause?: Error,
) => LibsqlErrorLike
type BatchErrorClass = new (
  message: string,
  statementIndex: number,
  code: string,
  extendedCode?: string,
  rawCode?: number,
  cause?: Error,
) => LibsqlErrorLike

interface ErrorClasses {
  readonly LibsqlError: ErrorClass
  readonly LibsqlBatchError: BatchErrorClass
}

/** Stands in for the error class of libSQL's client where that is not installed. */
class OwnError extends Error implements LibsqlErrorLike {
  override readonly name: string = 'LibsqlError'

  constructor(
    message: string,
    readonly code: string,
    readonly extendedCode?: string,
    readonly rawCode?: number,
    cause?: Error,
  ) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause })
  }
}

class OwnBatchError extends OwnError {
  override readonly name = 'LibsqlBatchError'

  constructor(
    message: string,
    readonly statementIndex: number,
    code: string,
    extendedCode?: string,
    rawCode?: number,
    cause?: Error,
  ) {
    super(message, code, extendedCode, rawCode, cause)
  }
}

const load = createRequire(__filename)
let found: ErrorClasses | undefined

/** libSQL's own classes if they are installed, as users compare errors with them by `instanceof`. */
function classes(): ErrorClasses {
  found ??= loadClasses()
  return found
}

function loadClasses(): ErrorClasses {
  try {
    const { LibsqlError, LibsqlBatchError } = load('@libsql/core/api') as Partial<ErrorClasses>
    if (LibsqlError !== undefined && LibsqlBatchError !== undefined)
      return { LibsqlError, LibsqlBatchError }
  } catch {
    // It is not installed, or of a version without them.
  }
  return { LibsqlError: OwnError, LibsqlBatchError: OwnBatchError }
}

/** An error of the client itself, such as `CLIENT_CLOSED`. */
export function clientError(message: string, code: string): LibsqlErrorLike {
  return new (classes().LibsqlError)(message, code)
}

/** The error that libSQL's client throws for one of SQLite; any other error is returned as it is. */
export function toLibsqlError(error: unknown): unknown {
  const code = resultCodeOf(error)
  if (code === undefined || error instanceof classes().LibsqlError) return error
  const cause = error as Error
  return new (classes().LibsqlError)(
    cause.message,
    codeName(primaryOf(code)),
    codeName(code),
    code,
    cause,
  )
}

/** The same for the statement of a batch that has failed. */
export function toBatchError(error: unknown, index: number): unknown {
  const mapped = toLibsqlError(error)
  if (!(mapped instanceof classes().LibsqlError)) return mapped
  const { message, code, extendedCode, rawCode, cause } = mapped
  return new (classes().LibsqlBatchError)(
    message,
    index,
    code,
    extendedCode,
    rawCode,
    isError(cause) ? cause : undefined,
  )
}
