import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import type { PoolerFacts } from './facts.js'

/** What a pooler between client and server changes. */
export function findInPooling(pooler: PoolerFacts | undefined, plan: Plan): Finding[] {
  if (pooler === undefined || pooler.kind === 'none') return []
  return [...findMode(pooler), ...findPrepared(pooler), ...findRoom(pooler, plan)]
}

function findMode(pooler: PoolerFacts): Finding[] {
  const { mode } = pooler
  if (mode === 'statement')
    return [
      {
        id: 'pooler-in-statement-mode',
        severity: 'critical',
        title: `${nameOf(pooler)} pools by statement, and refuses transactions.`,
        evidence: ['pool_mode = statement'],
        fix: 'Set pool_mode = transaction in pgbouncer.ini.',
      },
    ]
  if (mode === 'transaction')
    return [
      {
        id: 'pooler-in-transaction-mode',
        severity: 'advice',
        title: `${nameOf(pooler)} pools by transaction: what belongs to a session is lost, or met by others.`,
        evidence: ['the session of the server changes from one transaction to the next'],
        fix: 'Use no SET outside of a transaction, no advisory locks of a session, no temporary tables and no LISTEN over this URL; have a direct URL for these and for migrations.',
      },
    ]
  return [
    {
      id: 'pooler-between',
      severity: 'advice',
      title:
        mode === 'session'
          ? `${nameOf(pooler)} stands between and pools by session.`
          : 'A pooler stands between; whether it pools by session or by transaction did not show.',
      evidence: [
        'the server has another process id for the session than the client received at its login',
      ],
      fix: 'Size its pool for all instances. If it pools by transaction, use nothing that belongs to a session.',
    },
  ]
}

function findPrepared(pooler: PoolerFacts): Finding[] {
  if (pooler.tracksPrepared !== false) return []
  return [
    {
      id: 'pooler-without-prepared-statements',
      severity: 'warning',
      title: `${nameOf(pooler)} keeps no track of prepared statements: a library that names them fails, and connmgr prepares none.`,
      evidence: [
        'a statement that was prepared has the name on the server that the client gave it',
      ],
      fix: 'Set max_prepared_statements = 200 (PgBouncer 1.21 or later), or have libraries prepare nothing (pgbouncer=true in the URL of Prisma).',
    },
  ]
}

function findRoom({ maxClients, poolSize }: PoolerFacts, plan: Plan): Finding[] {
  const wanted = plan.instances * plan.limit
  if (maxClients === undefined || !(wanted > maxClients)) return []
  return [
    {
      id: 'connections-exceed-pooler',
      severity: 'critical',
      title: `${plan.instances} instances of up to ${plan.limit} connections open ${wanted}, and PgBouncer takes ${maxClients}.`,
      evidence: [`max_client_conn = ${maxClients}, default_pool_size = ${poolSize}`],
      fix: `Raise max_client_conn to ${wanted} or more, or lower poolSize + maxOverflow.`,
    },
  ]
}

function nameOf({ kind, version }: PoolerFacts): string {
  if (kind !== 'pgbouncer') return 'A pooler'
  return /pgbouncer/i.test(version ?? '') ? (version as string) : 'PgBouncer'
}
