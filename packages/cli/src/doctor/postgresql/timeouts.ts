import { duration } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { PostgresFacts } from './facts.js'
import { settingIn } from './settings.js'

/** Limits of the client, as its configuration says; undefined where it has none. */
export interface ClientLimits {
  /** After which the client gives a statement up, whatever the server does. */
  readonly queryTimeoutMs: number | undefined
}

/** What the server does not end by itself, and what the client gives up before the server does. */
export function findInTimeouts({ settings }: PostgresFacts, client: ClientLimits): Finding[] {
  const statementMs = settingIn(settings, 'statement_timeout')
  return [
    ...findEarlyClient(statementMs, client),
    ...findEndless(settings),
    ...findUnboundedStatements(statementMs, settingIn(settings, 'lock_timeout')),
  ]
}

function findEarlyClient(
  statementMs: number | undefined,
  { queryTimeoutMs }: ClientLimits,
): Finding[] {
  if (!queryTimeoutMs || statementMs === undefined) return []
  if (statementMs !== 0 && statementMs <= queryTimeoutMs) return []
  return [
    {
      id: 'client-gives-up-first',
      severity: 'warning',
      title: `The client gives a statement up after ${duration(queryTimeoutMs)}, and the server goes on with it${statementMs === 0 ? ' without a limit' : ` for up to ${duration(statementMs)}`}.`,
      evidence: [
        `query_timeout = ${queryTimeoutMs} ms at the client`,
        `statement_timeout = ${statementMs} ms at the server`,
      ],
      fix: `Set statement_timeout to ${queryTimeoutMs} or less for the role: alter role … set statement_timeout = ${queryTimeoutMs}.`,
    },
  ]
}

function findEndless(settings: ReadonlyMap<string, string>): Finding[] {
  if (settingIn(settings, 'idle_in_transaction_session_timeout') !== 0) return []
  // Since version 17 it bounds what is idle, too.
  if ((settingIn(settings, 'transaction_timeout') ?? 0) > 0) return []
  return [
    {
      id: 'idle-in-transaction-unbounded',
      severity: 'advice',
      title:
        'A session that is idle in a transaction keeps its locks, and keeps dead rows from being removed, for as long as it likes.',
      evidence: ['idle_in_transaction_session_timeout = 0'],
      fix: "Bound it for the role of the application: alter role … set idle_in_transaction_session_timeout = '60s'.",
    },
  ]
}

function findUnboundedStatements(
  statementMs: number | undefined,
  lockMs: number | undefined,
): Finding[] {
  if (statementMs !== 0) return []
  return [
    {
      id: 'statements-unbounded',
      severity: 'advice',
      title: `No statement has a time limit${lockMs === 0 ? ', and none that waits for a lock' : ''}: one that hangs holds its connection until it ends.`,
      evidence: [`statement_timeout = 0, lock_timeout = ${lockMs ?? 'not seen'}`],
      fix: "Bound them for the role of the application: alter role … set statement_timeout = '30s', and lock_timeout = '10s'.",
    },
  ]
}
