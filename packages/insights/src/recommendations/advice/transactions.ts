import type { BlockingEdge, BlockingParty, InsightsSnapshot } from '../../snapshot.js'
import { durationText } from '../../words/duration-text.js'
import { placeText } from '../../words/place-text.js'
import type { RecommendationFacts } from '../facts.js'
import { type SettingNames, settingNames } from '../names-of-settings.js'
import type { Recommendation } from '../recommendation.js'
import { count } from './holders.js'

/** Whose transactions come so near to the timeout will meet it. */
const NEAR = 0.5
const NOTICED_WAIT_MS = 1000
const OFTEN = 3

/** What transactions risk: to be idle without end, to be ended by the server, and to block each other. */
export function transactionAdvice(
  snapshot: InsightsSnapshot,
  facts: RecommendationFacts,
): Recommendation[] {
  return [
    ...idleRisk(snapshot, facts),
    ...poolerRisk(snapshot, facts),
    ...snapshot.blocking.flatMap((edge) => blocked(edge, settingNames(snapshot.database))),
  ]
}

function idleRisk(snapshot: InsightsSnapshot, { server }: RecommendationFacts): Recommendation[] {
  if (server === undefined) return []
  const limitMs = server.timeouts.idleInTransactionMs
  if (limitMs === undefined) {
    const { idleInTransaction = 0 } = server
    if (idleInTransaction === 0) return []
    return [
      {
        code: 'idle-in-transaction-unlimited',
        severity: 'warning',
        title: 'Sessions are idle inside transactions, and the server never ends them',
        evidence: [
          `${count(idleInTransaction, 'session')} of this role ${idleInTransaction === 1 ? 'has' : 'have'} been idle inside a transaction for more than 5 s`,
          'idle_in_transaction_session_timeout is 0: their locks stay, and vacuum cannot clean up behind them',
        ],
        fix: "alter role … set idle_in_transaction_session_timeout = '60s'",
        costMs: 0,
      },
    ]
  }
  return snapshot.heldIdle.flatMap(({ longestGap, site }) => {
    if (longestGap === undefined || !longestGap.inTransaction) return []
    if (longestGap.durationMs < NEAR * limitMs) return []
    return {
      code: 'idle-in-transaction-near-timeout',
      severity: 'warning',
      title: `${site === undefined ? 'A transaction' : placeText(site)} is idle for nearly as long as the server allows`,
      evidence: [
        `The longest gap inside a transaction was ${durationText(longestGap.durationMs)}`,
        `The server ends sessions after ${durationText(limitMs)} (${settingNames(snapshot.database).idleInTransaction})`,
      ],
      fix: 'Move the slow work out of the transaction',
      ...(site !== undefined && { site }),
      costMs: longestGap.durationMs,
    }
  })
}

function poolerRisk(snapshot: InsightsSnapshot, { server }: RecommendationFacts): Recommendation[] {
  if (server?.pooler !== 'transaction') return []
  const session = snapshot.statements.filter(({ kind }) => kind === 'session')
  const prepared = snapshot.statements.filter((each) => each.prepared > 0)
  return [
    ...session.slice(0, OFTEN).map(
      ({ calls, fingerprint, run, site, text }): Recommendation => ({
        code: 'pooler-session-state',
        severity: 'warning',
        title: 'A statement changes a session that a pooler gives to others',
        evidence: [
          `${text} ran ${calls} times`,
          'Two statements in a row ran in different sessions: the pooler shares them by transaction',
        ],
        fix: "Use set local inside a transaction, settings of the role, or a pooler by session; set the option reset to 'none'",
        ...(site !== undefined && { site }),
        statement: { fingerprint, text },
        costMs: run.totalMs,
      }),
    ),
    ...(prepared.length === 0
      ? []
      : [
          {
            code: 'pooler-prepared-statements' as const,
            severity: 'info' as const,
            title: 'Statements are prepared behind a pooler that shares sessions',
            evidence: [`${count(prepared.length, 'fingerprint')} ran as prepared statements`],
            fix: "Let the pooler follow them (PgBouncer 1.21 or later with max_prepared_statements above 0), or set preparedStatements: 'off'",
            costMs: 0,
          },
        ]),
  ]
}

function blocked(edge: BlockingEdge, { lockTimeout }: SettingNames): Recommendation[] {
  const { blocker, count: times, lockType, relation, waitedMs, waiter } = edge
  if (waitedMs < NOTICED_WAIT_MS && times < OFTEN) return []
  const site = blocker.site ?? waiter.site
  return [
    {
      code: 'blocked-by',
      severity: 'warning',
      title: `${partyText(blocker)} blocks ${partyText(waiter)}`,
      evidence: [
        `Seen ${times === 1 ? 'once' : `${times} times`}, for up to ${durationText(waitedMs)}`,
        ...(relation === undefined
          ? []
          : [`Both want ${relation}${lockType === undefined ? '' : ` (${lockType})`}`]),
        ...(blocker.statement === undefined
          ? []
          : [
              `The blocker ran ${blocker.statement.text}${blocker.state === undefined ? '' : ` and is ${blocker.state}`}`,
            ]),
        ...(waiter.statement === undefined
          ? []
          : [`The other waits with ${waiter.statement.text}`]),
      ],
      fix: `Make the transaction of the blocker shorter, take locks in the same order everywhere, and set ${lockTimeout}`,
      ...(site !== undefined && { site }),
      costMs: waitedMs * times,
    },
  ]
}

function partyText({ application, processId, site }: BlockingParty): string {
  if (site !== undefined) return placeText(site)
  return `the session ${processId}${application === undefined || application === '' ? '' : ` of ${application}`}`
}
