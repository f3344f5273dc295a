import { duration } from '../terminal/units.js'
import type { Examination, Identity } from './examination.js'
import type { Finding } from './finding.js'

/** From which on a standby is no good to fail over to. */
const MUCH_LAG_MS = 30_000

interface Server extends Identity {
  readonly endpoint: string
}

/** Whether the servers that are named are those of one cluster, and one of them takes writes. */
export function findInCluster(examinations: readonly Examination[]): Finding[] {
  const servers = examinations.flatMap(({ identity, server }) =>
    identity === undefined ? [] : [{ ...identity, endpoint: server.endpoint }],
  )
  const complete = servers.length === examinations.length
  return [
    ...findWriter(servers, complete),
    ...findStrangers(servers),
    ...findTwins(servers),
    ...findOrder(servers),
    ...findLag(servers),
    ...findAlone(servers, examinations.length),
  ]
}

function describe({ endpoint, role }: Server): string {
  const cluster = role.cluster === undefined ? '' : `, cluster ${role.cluster}`
  const writes = role.role === 'primary' && !role.writable ? ' that refuses writes' : ''
  return `${endpoint}: ${role.role}${writes}${cluster}`
}

function findWriter(servers: readonly Server[], complete: boolean): Finding[] {
  const primaries = servers.filter(({ role }) => role.role === 'primary')
  const refusing = primaries.filter(({ role }) => !role.writable)
  const findings: Finding[] = refusing.map((server) => ({
    id: 'primary-read-only',
    severity: 'critical' as const,
    server: server.endpoint,
    title: 'The primary refuses writes.',
    evidence: [describe(server)],
    fix: 'Look at default_transaction_read_only (MySQL: read_only, super_read_only), and switch it off if that is not on purpose.',
  }))
  if (complete && servers.length > 0 && primaries.length === 0)
    findings.push({
      id: 'no-primary',
      severity: 'critical',
      title: 'None of the servers takes writes.',
      evidence: servers.map(describe),
      fix: 'Name the primary too, in DATABASE_URL or in failoverUrls, or promote a standby.',
    })
  const writers = primaries.filter(({ role }) => role.writable)
  if (writers.length > 1 && sameCluster(writers))
    findings.push({
      id: 'several-primaries',
      severity: 'critical',
      title: `${writers.length} servers take writes, each by itself: what is written to one is missing on the others.`,
      evidence: writers.map(describe),
      fix: 'Stop the one that should be no primary any more, and rebuild it as a standby.',
    })
  return findings
}

function findStrangers(servers: readonly Server[]): Finding[] {
  const clusters = new Set(servers.map(({ role }) => role.cluster).filter((id) => id !== undefined))
  const names = new Set(servers.map(({ databaseName }) => databaseName))
  const findings: Finding[] = []
  if (clusters.size > 1)
    findings.push({
      id: 'servers-of-several-clusters',
      severity: 'critical',
      title: 'The servers are not of one cluster: a failover would lead to other data.',
      evidence: servers.map(describe),
      fix: 'Name servers in failoverUrls that are standbys of the first one.',
    })
  if (names.size > 1)
    findings.push({
      id: 'several-databases',
      severity: 'critical',
      title: 'The URLs name different databases.',
      evidence: servers.map(({ databaseName, endpoint }) => `${endpoint}: ${databaseName}`),
      fix: 'Name the same database in each URL.',
    })
  return findings
}

function findTwins(servers: readonly Server[]): Finding[] {
  return servers.flatMap((server, index) => {
    const twin = servers
      .slice(0, index)
      .find(({ role }) => role.server !== undefined && role.server === server.role.server)
    if (twin === undefined) return []
    return [
      {
        id: 'server-named-twice',
        severity: 'warning' as const,
        title: 'Two of the URLs lead to one server: there is nothing to fail over to.',
        evidence: [twin.endpoint, server.endpoint],
        fix: 'Name another server, or leave one of the two out.',
      },
    ]
  })
}

function findOrder(servers: readonly Server[]): Finding[] {
  const [first] = servers
  const writer = servers.find(({ role }) => role.role === 'primary' && role.writable)
  if (first === undefined || writer === undefined || first.role.role !== 'standby') return []
  return [
    {
      id: 'preferred-server-is-standby',
      severity: 'advice',
      server: first.endpoint,
      title:
        'The server that is named first is a standby now; the first one is preferred while all are well.',
      evidence: servers.map(describe),
      fix: `Name ${writer.endpoint} first, if that is to stay so.`,
    },
  ]
}

function findLag(servers: readonly Server[]): Finding[] {
  return servers
    .filter(({ lagMs }) => lagMs !== undefined && lagMs >= MUCH_LAG_MS)
    .map((server) => ({
      id: 'standby-lags',
      severity: 'warning' as const,
      server: server.endpoint,
      title: `The standby is ${duration(server.lagMs as number)} behind: reads there are as old, and a failover to it takes longer.`,
      evidence: [`the latest transaction that it has applied is as old`],
      fix: 'Look for long queries on the standby, and for its network and disk.',
    }))
}

function findAlone(servers: readonly Server[], named: number): Finding[] {
  const [only] = servers
  if (named !== 1 || only === undefined || !only.standbys) return []
  return [
    {
      id: 'no-failover-server',
      severity: 'advice',
      server: only.endpoint,
      title: `The primary has ${only.standbys === 1 ? 'a standby' : `${only.standbys} standbys`}, and the application knows of none.`,
      evidence: ['one URL is named'],
      fix: 'Name the standbys in failoverUrls, or in DATABASE_FAILOVER_URLS.',
    },
  ]
}

function sameCluster(servers: readonly Server[]): boolean {
  return new Set(servers.map(({ role }) => role.cluster)).size === 1
}
