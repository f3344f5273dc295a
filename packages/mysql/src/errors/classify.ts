import {
  AuthenticationRefusedError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  ConnectTimeoutError,
  UnsupportedError,
} from '@connmgr/core'
import { type FailureKind, isEndedOnPurpose, isError, networkFailure } from '@connmgr/core/driver'
import { kindOfErrno, LIMITS } from './errnos.js'

/** What mysql2 and Node put on their errors. */
export interface DriverError extends Error {
  readonly code?: string | number
  readonly errno?: number
  readonly sqlState?: string
  readonly fatal?: boolean
  readonly syscall?: string
}

/** Codes of mysql2's own. */
const BY_CODE: Readonly<Record<string, FailureKind>> = {
  PROTOCOL_CONNECTION_LOST: 'lost',
  PROTOCOL_ERROR: 'lost',
  PROTOCOL_UNEXPECTED_PACKET: 'lost',
  PROTOCOL_SEQUENCE_TIMEOUT: 'lost',
  HANDSHAKE_NO_SSL_SUPPORT: 'setup',
  HANDSHAKE_SSL_ERROR: 'setup',
  HANDSHAKE_UNKNOWN_ERROR: 'setup',
  AUTH_SWITCH_PLUGIN_ERROR: 'setup',
}

/** Tells what an error of mysql2 means for the connection and for the server behind it. */
export function classify(error: unknown): FailureKind {
  if (error instanceof ConnectTimeoutError) return 'unreachable'
  if (error instanceof AuthenticationRefusedError || error instanceof UnsupportedError)
    return 'setup'
  if (!isError(error)) return 'statement'
  if (error instanceof ConnectionLostError || error instanceof CommitOutcomeUnknownError) {
    const kind = classify(error.cause)
    return kind === 'statement' ? 'lost' : kind
  }
  const { errors } = error as { errors?: unknown }
  // Node tries every address of a name and reports all failures together.
  if (Array.isArray(errors)) return errors.length === 0 ? 'unreachable' : classify(errors[0])
  const { code, errno, fatal, syscall } = error as DriverError
  const number = errnoOf(error as DriverError)
  const kind = number === undefined ? undefined : kindOfErrno(number, error.message)
  if (kind !== undefined) return kind
  if (code === 'ETIMEDOUT' && syscall === 'connect') return 'unreachable'
  // mysql2 puts its own code over that of a socket which failed during the TLS handshake.
  if (code === 'HANDSHAKE_SSL_ERROR' && typeof errno === 'number' && errno < 0) return 'lost'
  if (typeof code === 'string' && Object.hasOwn(BY_CODE, code)) return BY_CODE[code] as FailureKind
  const network = networkFailure(code)
  if (network !== undefined) return network
  return fatal === true ? 'lost' : 'statement'
}

/** The number that the server has given an error; undefined for one of Node or of mysql2. */
export function errnoOf({ code, errno }: DriverError): number | undefined {
  if (typeof errno === 'number' && errno > 0) return errno
  // Of a server that says something without being asked mysql2 has the number as the code.
  return typeof code === 'number' ? code : undefined
}

/** Whether the server has answered a statement, and the session goes on. */
export function isAnswerOfServer(error: unknown): boolean {
  if (!isError(error) || errnoOf(error as DriverError) === undefined) return false
  const kind = classify(error)
  return kind !== 'lost' && kind !== 'shutdown'
}

/** How mysql2 fails when the `timeout` of a statement has passed: the server goes on with it. */
export function isClientTimeout(error: unknown): boolean {
  return isError(error) && (error as DriverError).code === 'PROTOCOL_SEQUENCE_TIMEOUT'
}

/** Whether a failure comes of a limit, or of an end, that was brought about on purpose. */
export function isDeliberate(error: unknown): boolean {
  return isEndedOnPurpose(error, (each) => {
    if (isClientTimeout(each)) return true
    const number = errnoOf(each as DriverError)
    if (number === undefined || !LIMITS.has(number)) return false
    return number !== 4031 || classify(each) === 'lost'
  })
}
