import {
  AuthenticationRefusedError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  ConnectTimeoutError,
  UnsupportedError,
} from '@connmgr/core'
import { type FailureKind, isError, networkFailure } from '@connmgr/core/driver'
import type { ServerMessage } from './client-internals.js'
import { endsSession } from './outcome/evidence.js'
import { refusalOfPgBouncer } from './pgbouncer.js'

/** SQLSTATEs that decide something; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Readonly<Record<string, FailureKind>> = {
  '25006': 'read-only',
  '40001': 'serialization',
  '40P01': 'serialization',
  '53300': 'busy',
  '53400': 'busy',
  '57P01': 'shutdown',
  '57P02': 'shutdown',
  '57P03': 'starting',
  // Time limits of a session or a transaction end the session, nothing else.
  '57P05': 'lost',
  '25P03': 'lost',
  '25P04': 'lost',
  '3D000': 'setup',
}

/** What node-postgres says, without any code, when a connection is gone. */
const LOST_MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
]
/** The client's own `connectionTimeoutMillis` has passed. */
const CONNECT_TIMEOUT_MESSAGE = 'timeout expired'

const TLS_MESSAGES = [
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
]

/** Tells what an error of node-postgres means for the connection and for the server behind it. */
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
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string') {
    const kind = BY_SQLSTATE[code] ?? networkFailure(code) ?? refusalOfPgBouncer(error)
    if (kind !== undefined) return kind
    if (/^28[0-9A-Z]{3}$/.test(code)) return 'setup'
    if (/^08[0-9A-Z]{3}$/.test(code)) return 'lost'
  }
  if (TLS_MESSAGES.some((message) => error.message.startsWith(message))) return 'setup'
  if (LOST_MESSAGES.some((message) => error.message.startsWith(message))) return 'lost'
  if (error.message === CONNECT_TIMEOUT_MESSAGE) return 'unreachable'
  // SASL cannot go on without a usable password; a person has to give one.
  if (error.message.startsWith('SASL') || error.message === 'Password must be a string')
    return 'setup'
  return 'statement'
}

/** Whether the server has refused a statement, and nothing else: the session goes on. */
export function isStatementError(error: unknown): boolean {
  const { severity } = (error ?? {}) as ServerMessage
  return typeof severity === 'string' && !endsSession(error as ServerMessage)
}

/** The connection is left in a transaction that has failed. */
const IN_FAILED_TRANSACTION = '25P02'

/**
 * Whether an error is a sign of life: the server has answered, if only that the time limits of the session, a conflict
 * with recovery or the rights of the role keep it from running the question.
 */
export function isAnswer(error: unknown): boolean {
  if (!isStatementError(error)) return false
  if ((error as ServerMessage).code === IN_FAILED_TRANSACTION) return false
  const kind = classify(error)
  return kind === 'statement' || kind === 'serialization'
}
