import type { OpenedPostgresql } from '../../databases/opened.js'
import type { Target } from '../../targets.js'
import { findInEncryption } from '../encryption.js'
import type { Fact } from '../examination.js'
import type { FactReader } from '../fact-reader.js'
import type { Finding } from '../finding.js'
import { findInLifetimes } from '../lifetimes.js'
import type { NetworkFacts } from '../network.js'
import type { Plan } from '../plan.js'
import type { ServerFindings } from '../server-findings.js'
import { findInConnections, roomOf } from './connections.js'
import type { PostgresFacts } from './facts.js'
import { findInPooling } from './pooling.js'
import { readPostgresFacts } from './read-facts.js'
import { findInReplication } from './replication.js'
import { findInSchema } from './schema.js'
import { findInSessions } from './sessions.js'
import { settingIn } from './settings.js'
import { findInTimeouts } from './timeouts.js'
import { findInUpkeep } from './upkeep.js'

/** Examines a PostgreSQL server over a session that is open. */
export async function examinePostgresql(
  target: Target,
  opened: OpenedPostgresql,
  reader: FactReader,
  network: NetworkFacts,
  plan: Plan,
): Promise<ServerFindings> {
  const facts = await readPostgresFacts(opened, reader, plan)
  return {
    version: facts.version?.text ?? null,
    facts: factsOf(facts, target),
    connections: (facts.sessions ?? []).map(({ application, user, sessions }) => ({
      application,
      user,
      connections: sessions,
    })),
    findings: findingsOf(facts, target, opened, network, plan),
    identity: facts.role && {
      role: facts.role,
      databaseName: facts.login?.database ?? target.endpoint.database,
      lagMs: facts.lagMs,
      standbys: facts.standbys?.length,
    },
  }
}

function findingsOf(
  facts: PostgresFacts,
  target: Target,
  opened: OpenedPostgresql,
  network: NetworkFacts,
  plan: Plan,
): Finding[] {
  const config = target.endpoint.config as { query_timeout?: unknown; keepAlive?: unknown }
  const overNetwork = network.reach !== 'local'
  const direct = facts.pooler?.kind === 'none'
  return [
    ...findInConnections(facts, plan),
    ...findInSessions(facts),
    ...findInReplication(facts, overNetwork),
    ...findInPooling(facts.pooler, plan),
    ...findInEncryption(opened.tls, network.reach, plan.now),
    ...findInSchema(facts),
    ...findInUpkeep(facts, plan),
    ...findInLifetimes(
      {
        keepAlive: config.keepAlive !== false,
        serverKeepAliveMs: direct ? seconds(facts, 'tcp_keepalives_idle') : undefined,
        serverIdleMs: settingIn(facts.settings, 'idle_session_timeout'),
        serverIdleName: 'idle_session_timeout',
        overNetwork,
      },
      plan,
    ),
    ...findInTimeouts(facts, { queryTimeoutMs: Number(config.query_timeout) || undefined }),
  ]
}

function seconds({ settings }: PostgresFacts, name: string): number | undefined {
  const value = settingIn(settings, name)
  return value === undefined ? undefined : value * 1000
}

function factsOf(facts: PostgresFacts, target: Target): Record<string, Fact> {
  const { login, pooler, sessions, settings } = facts
  return {
    user: login?.user ?? target.endpoint.account ?? null,
    superuser: login?.superuser ?? null,
    seesOtherRoles: login?.seesAll ?? null,
    connectionsAllowed: roomOf(facts)?.connections ?? null,
    connectionsUsed: sessions?.reduce((sum, each) => sum + each.sessions, 0) ?? null,
    pooler: pooler?.kind ?? null,
    poolMode: pooler?.mode ?? null,
    poolerTracksPrepared: pooler?.tracksPrepared ?? null,
    lagMs: facts.lagMs ?? null,
    standbys: facts.standbys?.length ?? null,
    pgStatStatements: facts.statementsExtension ?? null,
    ...Object.fromEntries([...settings].sort(([one], [other]) => (one < other ? -1 : 1))),
  }
}
