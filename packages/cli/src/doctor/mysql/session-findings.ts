import { counted, duration } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import type { MysqlFacts } from './facts.js'
import type { OpenTransaction, Session, WaitingSession } from './sessions.js'

/** From which time on a transaction that is idle is a matter of urgency. */
const VERY_LONG_MS = 300_000
/** A transaction is long from so many times what an idle one is reported from: five minutes by default. */
const LONG = 60
const MOST_NAMED = 5

/** Sessions that hold what others need. */
export function findInSessions(
  { lockWaits = [], transactions = [] }: MysqlFacts,
  { idleTransactionMs }: Plan,
): Finding[] {
  const idle = transactions.filter((each) => (each.idleMs ?? 0) >= idleTransactionMs)
  const long = transactions.filter(
    (each) => !idle.includes(each) && each.openMs >= LONG * idleTransactionMs,
  )
  return [
    ...findIdle(idle),
    ...findLong(long),
    ...findBlocked(lockWaits.filter(({ sinceMs }) => sinceMs >= idleTransactionMs)),
  ]
}

function findIdle(sessions: readonly OpenTransaction[]): Finding[] {
  const longestMs = Math.max(...sessions.map(({ idleMs = 0 }) => idleMs))
  const [first] = sessions
  if (first === undefined) return []
  return [
    {
      id: 'idle-in-transaction',
      severity: longestMs >= VERY_LONG_MS ? 'critical' : 'warning',
      title: `${counted(sessions.length, 'session')} ${sessions.length === 1 ? 'is' : 'are'} idle in a transaction, the longest for ${duration(longestMs)}.`,
      evidence: sessions
        .slice(0, MOST_NAMED)
        .map(
          (each) =>
            `${nameOf(each)}: idle for ${duration(each.idleMs ?? 0)}, open for ${duration(each.openMs)}, ${counted(each.rowsChanged, 'row')} changed`,
        ),
      fix: `Commit or roll back before anything else is awaited. getHolders(), or \`connmgr top\` beside the application, names the line of code; kill ${first.id} ends a session now.`,
    },
  ]
}

function findLong(transactions: readonly OpenTransaction[]): Finding[] {
  const [longest] = transactions
  if (longest === undefined) return []
  return [
    {
      id: 'transaction-long',
      severity: 'warning',
      title: `${counted(transactions.length, 'transaction')} ${transactions.length === 1 ? 'has' : 'have'} been open for long, the oldest for ${duration(longest.openMs)}: ${transactions.length === 1 ? 'its' : 'their'} locks stay, and old versions of rows cannot be removed.`,
      evidence: transactions
        .slice(0, MOST_NAMED)
        .map(
          (each) =>
            `${nameOf(each)}: open for ${duration(each.openMs)}, ${counted(each.rowsChanged, 'row')} changed`,
        ),
      fix: 'Split the work into transactions that each commit soon, and run long reads on a replica.',
    },
  ]
}

function findBlocked(sessions: readonly WaitingSession[]): Finding[] {
  if (sessions.length === 0) return []
  const longestMs = Math.max(...sessions.map(({ sinceMs }) => sinceMs))
  return [
    {
      id: 'sessions-blocked',
      severity: 'warning',
      title: `${counted(sessions.length, 'session')} ${sessions.length === 1 ? 'waits' : 'wait'} for a lock, the longest for ${duration(longestMs)}.`,
      evidence: sessions
        .slice(0, MOST_NAMED)
        .map(
          (each) =>
            `${nameOf(each)} waits for ${each.what}, for ${duration(each.sinceMs)}${each.blockedBy.length === 0 ? '' : `, blocked by session ${each.blockedBy.join(', ')}`}`,
        ),
      fix: 'End the transaction that holds the lock, and set innodb_lock_wait_timeout (rows) and lock_wait_timeout (definitions of tables) so that waiting has a bound.',
    },
  ]
}

function nameOf({ host, id, user }: Session): string {
  return `session ${id} of ${user || '?'}@${host || '?'}`
}
