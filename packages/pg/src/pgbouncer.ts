import type { FailureKind } from '@connmgr/core/driver'
import type { ServerMessage } from './client-internals.js'

/**
 * What PgBouncer says by itself when it has no server for a statement or a login: it has sent nothing on. It gives
 * these the SQLSTATE of a protocol violation, as it does the loss of a server in the midst of a statement, so that only
 * the text tells them apart.
 */
const REFUSALS: readonly (readonly [start: string, kind: FailureKind])[] = [
  ['server login has been failing', 'unreachable'],
  ['server login failed', 'unreachable'],
  ['pgbouncer cannot connect to server', 'unreachable'],
  ['query_wait_timeout', 'unreachable'],
  ['client_login_timeout', 'unreachable'],
  ['no more connections allowed', 'busy'],
  ['no such database', 'setup'],
  ['unsupported startup parameter', 'setup'],
]

/** Time limits by which PgBouncer ends a session that it has a server for. */
const LIMITS = [
  'query timeout',
  'query_timeout',
  'transaction timeout',
  'idle transaction timeout',
  'client_idle_timeout',
]

/** Whether PgBouncer ended a session on purpose. */
export function isEndByPgBouncer({ code, message = '', routine }: ServerMessage): boolean {
  return (
    code === '08P01' && routine === undefined && LIMITS.some((each) => message.startsWith(each))
  )
}

/** What a refusal of PgBouncer means; undefined for everything else that it or a server may say. */
export function refusalOfPgBouncer({
  code,
  message = '',
  routine,
}: ServerMessage): FailureKind | undefined {
  // PostgreSQL names the routine that an error comes from, which PgBouncer has no notion of.
  if (code !== '08P01' || routine !== undefined) return undefined
  return REFUSALS.find(([start]) => message.startsWith(start))?.[1]
}
