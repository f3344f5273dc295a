import { counted, duration } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { LateSession, PostgresFacts } from './facts.js'

/** From which time on a transaction that is idle, or prepared, is a matter of urgency. */
const VERY_LONG_MS = 300_000
const ORPHANED_MS = 3_600_000
const MOST_NAMED = 5

/** Sessions that hold what others need. */
export function findInSessions(facts: PostgresFacts): Finding[] {
  return [
    ...findIdleInTransaction(facts.idleInTransaction ?? []),
    ...findBlocked(facts.blocked ?? []),
    ...findPrepared(facts.preparedTransactions ?? []),
  ]
}

function findIdleInTransaction(sessions: readonly LateSession[]): Finding[] {
  const [longest] = sessions
  if (longest === undefined) return []
  return [
    {
      id: 'idle-in-transaction',
      severity: longest.sinceMs >= VERY_LONG_MS ? 'critical' : 'warning',
      title: `${counted(sessions.length, 'session')} ${sessions.length === 1 ? 'is' : 'are'} idle in a transaction, the longest for ${duration(longest.sinceMs)}.`,
      evidence: sessions.slice(0, MOST_NAMED).map(describe),
      fix: 'Commit or roll back before anything else is awaited. getHolders(), or `connmgr top` beside the application, names the line of code; pg_terminate_backend(pid) ends a session now.',
    },
  ]
}

function findBlocked(sessions: readonly LateSession[]): Finding[] {
  const [longest] = sessions
  if (longest === undefined) return []
  return [
    {
      id: 'sessions-blocked',
      severity: 'warning',
      title: `${counted(sessions.length, 'session')} ${sessions.length === 1 ? 'waits' : 'wait'} for a lock, the longest for ${duration(longest.sinceMs)}.`,
      evidence: sessions
        .slice(0, MOST_NAMED)
        .map((each) => `${describe(each)}, blocked by pid ${each.blockedBy.join(', ') || '?'}`),
      fix: 'End the transaction that holds the lock, and set lock_timeout so that waiting has a bound.',
    },
  ]
}

function findPrepared(transactions: NonNullable<PostgresFacts['preparedTransactions']>): Finding[] {
  const old = transactions.filter(({ sinceMs }) => sinceMs >= ORPHANED_MS)
  if (old.length === 0) return []
  return [
    {
      id: 'prepared-transaction-orphaned',
      severity: 'warning',
      title: `${counted(old.length, 'transaction')} prepared for two-phase commit ${old.length === 1 ? 'was' : 'were'} never ended; ${old.length === 1 ? 'its' : 'their'} locks stay.`,
      evidence: old.slice(0, MOST_NAMED).map(({ gid, sinceMs }) => `${gid}: ${duration(sinceMs)}`),
      fix: "End it: commit prepared '…' or rollback prepared '…'.",
    },
  ]
}

function describe({ processId, application, user, sinceMs }: LateSession): string {
  const name = application === '' ? 'without an application_name' : application
  return `pid ${processId}, ${name} (role ${user || '?'}), for ${duration(sinceMs)}`
}
