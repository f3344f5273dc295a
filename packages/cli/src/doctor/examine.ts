import { redactText } from '@connmgr/core'
import { messageOf, systemClock } from '@connmgr/core/driver'
import { startDeadline } from '../databases/deadline.js'
import { openMysql } from '../databases/open-mysql.js'
import { openPostgresql } from '../databases/open-postgresql.js'
import { openSqlite } from '../databases/open-sqlite.js'
import { leave, type Opened } from '../databases/opened.js'
import { UsageError } from '../exit-code.js'
import type { Target } from '../targets.js'
import type { Examination } from './examination.js'
import { FactReader } from './fact-reader.js'
import { examineMysql } from './mysql/examine.js'
import { findInNetwork, type NetworkFacts, readNetwork } from './network.js'
import type { Plan } from './plan.js'
import { examinePostgresql } from './postgresql/examine.js'
import type { ServerFindings } from './server-findings.js'
import { examineSqlite } from './sqlite/examine.js'

/** Opens a session, and examines the server over it. */
interface Approach {
  readonly opened: Opened
  examine(network: NetworkFacts): Promise<ServerFindings>
}

/**
 * Examines one server, or one file. What it does not tell is noted; that it cannot be reached is a finding.
 *
 * @param timeoutMs for the server as a whole
 */
export async function examine(
  target: Target,
  plan: Plan,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Examination> {
  const { endpoint } = target
  const deadline = startDeadline(timeoutMs, signal)
  const reader = new FactReader(endpoint.id, deadline.signal)
  const network = target.kind === 'sqlite' ? undefined : await readNetwork(reader, endpoint.host)
  let approach: Approach | undefined
  const cutOff = (): void => approach?.opened.destroy()
  deadline.signal.addEventListener('abort', cutOff, { once: true })
  const startedAt = systemClock.now()
  try {
    approach = await open(target, plan, reader, deadline)
    const connectMs = Math.round(systemClock.now() - startedAt)
    const found = await approach.examine(network ?? { addresses: [], reach: 'local' })
    await leave(approach.opened)
    return examined(target, { ...found, connectMs, opened: approach.opened, network }, reader)
  } catch (error) {
    approach?.opened.destroy()
    if (error instanceof UsageError) throw error
    return unreachable(
      target,
      network,
      deadline.signal.aborted ? deadline.signal.reason : error,
      reader,
    )
  } finally {
    deadline.signal.removeEventListener('abort', cutOff)
    deadline.end()
  }
}

async function open(
  target: Target,
  plan: Plan,
  reader: FactReader,
  { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal },
): Promise<Approach> {
  switch (target.kind) {
    case 'postgresql': {
      const opened = await openPostgresql(target.endpoint, signal)
      return {
        opened,
        examine: (network) => examinePostgresql(target, opened, reader, network, plan),
      }
    }
    case 'mysql': {
      const opened = await openMysql(target.endpoint, signal)
      return { opened, examine: (network) => examineMysql(target, opened, reader, network, plan) }
    }
    case 'sqlite': {
      const location = target.location as string
      const opened = await openSqlite(location, leftMs)
      return { opened, examine: () => examineSqlite(location, opened, reader) }
    }
  }
}

function examined(
  { endpoint, kind }: Target,
  found: ServerFindings & {
    readonly connectMs: number
    readonly opened: Opened
    readonly network: NetworkFacts | undefined
  },
  reader: FactReader,
): Examination {
  const { findings, identity, network, opened } = found
  return {
    server: {
      endpoint: endpoint.id,
      database: kind,
      reachable: true,
      error: null,
      connectMs: found.connectMs,
      version: found.version,
      role: identity?.role.role ?? null,
      writable: identity?.role.writable ?? null,
      tls: opened.tls ?? null,
      network: network ?? null,
      facts: found.facts,
      connections: found.connections,
    },
    findings: [...(network === undefined ? [] : findInNetwork(network)), ...findings].map(
      (each) => ({ ...each, server: endpoint.id }),
    ),
    notSeen: reader.notSeen,
    identity,
  }
}

function unreachable(
  { endpoint, kind }: Target,
  network: NetworkFacts | undefined,
  thrown: unknown,
  reader: FactReader,
): Examination {
  const error = redactText(messageOf(thrown))
  return {
    server: {
      endpoint: endpoint.id,
      database: kind,
      reachable: false,
      error,
      connectMs: null,
      version: null,
      role: null,
      writable: null,
      tls: null,
      network: network ?? null,
      facts: {},
      connections: [],
    },
    findings: [
      {
        id: 'unreachable',
        severity: 'critical',
        server: endpoint.id,
        title:
          kind === 'sqlite'
            ? 'The file cannot be opened.'
            : 'The server cannot be reached, or does not let the role in.',
        evidence: [error],
        fix:
          kind === 'sqlite'
            ? 'Check the path, and that this user may read and write it and its folder, which a write-ahead log needs.'
            : 'Check host, port, user, password and database of the URL, the rules of the firewall, and that the server runs.',
      },
    ],
    notSeen: reader.notSeen,
    identity: undefined,
  }
}
