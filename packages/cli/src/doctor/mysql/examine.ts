import type { Opened, TlsFacts } from '../../databases/opened.js'
import type { Target } from '../../targets.js'
import { findInEncryption } from '../encryption.js'
import type { FactReader } from '../fact-reader.js'
import { findInLifetimes } from '../lifetimes.js'
import type { NetworkFacts } from '../network.js'
import type { Plan } from '../plan.js'
import type { ServerFindings } from '../server-findings.js'
import { roomOf } from './connection-findings.js'
import { type MysqlFacts, readMysqlFacts } from './facts.js'
import { findInMysql } from './findings.js'

/** Examines a server of MySQL or MariaDB over a session that is open. */
export async function examineMysql(
  target: Target,
  opened: Opened,
  reader: FactReader,
  network: NetworkFacts,
  plan: Plan,
): Promise<ServerFindings> {
  const facts = await readMysqlFacts(opened, reader)
  const waitMs = Number(facts.variables.get('wait_timeout')) * 1000
  const config = target.endpoint.config as { enableKeepAlive?: unknown }
  return {
    version: facts.version ?? null,
    facts: {
      user: facts.user ?? null,
      seesOtherAccounts: facts.seesAll ?? null,
      connectionsAllowed: roomOf(facts) ?? null,
      connectionsUsed: facts.status.has('threads_connected')
        ? Number(facts.status.get('threads_connected'))
        : null,
      openTransactions: facts.transactions?.length ?? null,
      sessionsBlocked: facts.lockWaits?.length ?? null,
      lagMs: facts.replica?.lagMs ?? null,
      ...Object.fromEntries(facts.variables),
    },
    connections: (facts.sessions ?? []).map(({ user, sessions }) => ({
      application: '',
      user,
      connections: sessions,
    })),
    findings: [
      ...findInMysql(facts, plan),
      ...findInEncryption(tlsOf(opened, facts), network.reach, plan.now),
      ...findInLifetimes(
        {
          keepAlive: config.enableKeepAlive !== false,
          serverIdleMs: Number.isNaN(waitMs) ? undefined : waitMs,
          serverIdleName: 'wait_timeout',
          overNetwork: network.reach !== 'local',
        },
        plan,
      ),
    ],
    identity: facts.role && {
      role: facts.role,
      databaseName: facts.database ?? target.endpoint.database,
      lagMs: facts.replica?.lagMs,
      standbys: undefined,
    },
  }
}

/** Some versions of mysql2 show the socket below the encryption; the server knows better. */
function tlsOf({ tls }: Opened, { status }: MysqlFacts): TlsFacts | undefined {
  if (tls?.encrypted === true || !status.get('ssl_cipher')) return tls
  return { encrypted: true }
}
