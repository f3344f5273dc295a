import { AbortedError, ConnectionDestroyedError, QueryTimeoutError } from '@connmgr/core'
import { isError } from '@connmgr/core/driver'
import type { PendingQuery, ServerMessage } from '../client-internals.js'
import { isEndByPgBouncer, refusalOfPgBouncer } from '../pgbouncer.js'
import { severityOf } from './severity.js'

/**
 * What is known of a statement that has no answer.
 *
 * - `unsent`: not a byte of it was written
 * - `sent`: it was, and nothing proves that it was not executed, or not committed
 * - `aborted`: the server has ended the session before the statement was done, and has rolled it back
 */
export type Stage = 'unsent' | 'sent' | 'aborted'

/**
 * The ends of a session that prove a rollback: SQLSTATEs that PostgreSQL raises as FATAL where it looks for interrupts
 * (`ProcessInterrupts`), which it does not do from the moment a commit begins until it is done. A backend that gets
 * there then has either not begun with the statement, or unwinds its transaction by `AbortOutOfAnyTransaction`.
 *
 * Nothing else proves anything:
 * - PANIC aborts the process where it stands. A failed flush of the write-ahead log raises it in the midst of a commit
 *   whose record may be on disk, and recovery then commits it.
 * - FATAL with another SQLSTATE may be an error on any path, one behind the commit record included.
 * - `quickdie`, by which an immediate shutdown (57P01) and the crash of another backend (57P02) end sessions, is a signal
 *   handler: it strikes in the midst of a commit, too. It warns, and so does the end of a wait for synchronous
 *   replication, where the transaction is committed already. A warning is no end.
 * - ERROR ends a statement, whatever SQLSTATE a function of the user gave it.
 * - What has no routine comes from a proxy or pooler, which cannot see what the server did.
 */
const ROLLED_BACK: Readonly<Record<string, string>> = {
  '57P01': 'admin_shutdown: pg_terminate_backend, a fast shutdown',
  '57P02': 'crash_shutdown: as FATAL only, which PostgreSQL itself does not make of it today',
  '57P04': 'database_dropped: under a session of a standby',
  '57P05': 'idle_session_timeout: what was sent meanwhile was not begun',
  '25P03': 'idle_in_transaction_session_timeout: likewise',
  '25P04': 'transaction_timeout, from PostgreSQL 17 on: disarmed before a commit',
  '40001':
    'a conflict with recovery that could be resolved by the end of the session alone, on a standby',
}

/** Raises the above as nothing but FATAL, so that its name tells where the severity is unknown. */
const RAISES_FATAL = new Set(['ProcessInterrupts'])
const SIGNAL_HANDLER = 'quickdie'

/** By which a server or a proxy says that it does not know how a statement or a transaction has ended. */
const UNRESOLVED = new Set(['40003', '08007'])

/** Time limits of the server by which a session ends. */
const LIMITS = new Set(['25P03', '25P04', '57P05'])

/** How pg-protocol names what it cannot parse. */
const NO_PROTOCOL = 'received invalid response'

/** How node-postgres rejects when `query_timeout` has passed. */
export const QUERY_TIMEOUT = 'Query read timeout'

/** Errors that wrap errors are not nested deeper than that, unless they run in circles. */
const DEEPEST = 12

/** Whether a message of the server, or of a proxy before it, tells of the end of the session. */
export function endsSession(message: ServerMessage): boolean {
  const { code, routine } = message
  // Bytes that are no protocol; what comes after them cannot be understood either.
  if (code === undefined) return message.message?.startsWith(NO_PROTOCOL) === true
  // What a proxy says has no routine. The server's own protocol violations cost a statement alone.
  if (code.startsWith('08') && routine === undefined) return true
  const severity = severityOf(message)
  if (severity !== undefined) return severity !== 'ERROR'
  // In a language, and in pieces, that hide how bad it is.
  return message.severity !== undefined || provesRollback(message)
}

/** The stage of the running query when the server or a proxy reports the end of the session. */
export function stageAtEnd(query: Pick<PendingQuery, '_result'>, message: ServerMessage): Stage {
  if (refusalOfPgBouncer(message) !== undefined) return 'unsent'
  // In the extended protocol CommandComplete precedes the commit.
  return query._result?.command == null && provesRollback(message) ? 'aborted' : 'sent'
}

/** Whether the server itself ends the session in a way that rolls back what it runs, and begins nothing behind it. */
export function provesRollback(message: ServerMessage): boolean {
  const { code = '', routine } = message
  if (!(code in ROLLED_BACK) || routine === undefined || routine === SIGNAL_HANDLER) return false
  const severity = severityOf(message)
  if (severity !== undefined) return severity === 'FATAL'
  // As an error 40001 is an ordinary conflict, which other routines raise.
  return RAISES_FATAL.has(routine) && code !== '40001'
}

/** Whether an error says itself that the outcome of its statement is unknown. */
export function isUnresolved({ code }: ServerMessage): boolean {
  return code !== undefined && UNRESOLVED.has(code)
}

/** Whether a connection was ended on purpose: by a limit of ours, of the caller or of the server, or by the caller. */
export function isDeliberate(cause: unknown): boolean {
  let each = cause
  for (let depth = 0; depth < DEEPEST && isError(each); depth += 1) {
    if (each instanceof QueryTimeoutError || each instanceof ConnectionDestroyedError) return true
    if (each instanceof AbortedError) return true
    const { code } = each as ServerMessage
    if (isQueryTimeout(each) || (code !== undefined && LIMITS.has(code))) return true
    if (isEndByPgBouncer(each)) return true
    each = each.cause
  }
  return false
}

export function isQueryTimeout(error: unknown): boolean {
  return isError(error) && error.message === QUERY_TIMEOUT
}
