import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import pg from 'pg'
import { collectGarbage } from '../measure.js'
import type { Measured, Settings, Suite } from '../suite.js'

const PROBE_NAME = 'connmgr-probe'
const LIMIT_MS = 60_000

/** Figures of many idle contenders in one process. */
interface Idle {
  readonly bytes: number
  /** Nanoseconds of processor time per second that passes. */
  readonly busy: number
  readonly sessions: number
  readonly probesPerSecond: number
  readonly loginsPerSecond: number
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** These share nothing, as if each were alone in its process: no two log in with equal settings. */
function apart(url: string, index: number): string {
  return `${url}${url.includes('?') ? '&' : '?'}options=${encodeURIComponent(`-c connmgr.alone=${index}`)}`
}

function memory(): number {
  collectGarbage()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

function managersOf(
  cluster: PostgresCluster,
  count: number,
  shared: boolean,
): PgConnectionManager[] {
  const urls = cluster.nodes.map((node) => node.url())
  return Array.from({ length: count }, (_, index) => {
    const [databaseUrl, ...failoverUrls] = shared ? urls : urls.map((url) => apart(url, index))
    return createConnectionManager({
      databaseUrl: databaseUrl as string,
      failoverUrls,
      logger: false,
      name: `tenant ${index}`,
    })
  })
}

async function closeAll(managers: readonly PgConnectionManager[]): Promise<void> {
  await Promise.all(managers.map((each) => each.close({ drainTimeoutMs: 1000 })))
}

/** Sessions opened on a server so far. */
async function logins(cluster: PostgresCluster): Promise<number> {
  const rows = (await cluster.primary.query(
    'select sum(sessions)::int as sessions from pg_stat_database',
  )) as { sessions: number }[]
  return rows[0]?.sessions ?? 0
}

async function probeSessions(cluster: PostgresCluster): Promise<number> {
  const rows = await cluster.primary.query(
    'select 1 from pg_stat_activity where application_name = $1',
    [PROBE_NAME],
  )
  return rows.length
}

/** What it costs to have them and not to use them. */
async function idle(
  cluster: PostgresCluster,
  seconds: number,
  open: () => Promise<readonly PgConnectionManager[]>,
): Promise<Idle> {
  const before = memory()
  const managers = await open()
  try {
    await sleep(seconds * 500)
    const bytes = memory() - before
    const opened = await logins(cluster)
    let checks = 0
    // One that is listened to hears of every probe.
    const stop = managers[0]?.on('healthCheckCompleted', () => {
      checks += 1
    })
    const from = performance.now()
    const spent = process.cpuUsage()
    await sleep(seconds * 1000)
    const { user, system } = process.cpuUsage(spent)
    const passedMs = performance.now() - from
    const sessions = await probeSessions(cluster)
    stop?.()
    return {
      bytes,
      busy: ((user + system) * 1e6) / passedMs,
      sessions,
      probesPerSecond: checks / (passedMs / 1000),
      // The question itself is asked over a session of its own.
      loginsPerSecond: Math.max(0, (await logins(cluster)) - opened - 2) / (passedMs / 1000),
    }
  } finally {
    await closeAll(managers)
  }
}

/** Milliseconds from the end of the primary until every manager has found the promoted standby. */
async function failover(count: number): Promise<number> {
  const cluster = await startCluster({ standbys: 1 })
  const managers = managersOf(cluster, count, true)
  try {
    await Promise.all(managers.map((each) => each.start()))
    await sleep(1000)
    await cluster.primary.crash()
    const from = performance.now()
    await cluster.standbys[0]?.promote()
    const promotedMs = performance.now() - from
    while (!managers.every((each) => each.getFailoverStatus().epoch === 1)) {
      if (performance.now() - from > LIMIT_MS) throw new Error('not all have followed')
      await sleep(5)
    }
    return performance.now() - from - promotedMs
  } finally {
    await closeAll(managers)
    await cluster.stop()
  }
}

async function started(managers: PgConnectionManager[]): Promise<readonly PgConnectionManager[]> {
  await Promise.all(managers.map((each) => each.start()))
  return managers
}

/** What a `pg.Pool` takes that has no connection; it probes nothing. */
async function poolBytes(cluster: PostgresCluster, count: number): Promise<number> {
  // What was closed before them takes a moment to go.
  await sleep(2000)
  const before = memory()
  const pools = Array.from(
    { length: count },
    () => new pg.Pool({ connectionString: cluster.primary.url() }),
  )
  const bytes = memory() - before
  await Promise.all(pools.map((each) => each.end()))
  return bytes
}

async function run({ quick }: Settings): Promise<Record<string, Measured>> {
  const many = quick ? 200 : 1000
  // Each keeps a session on each server, of which there are no more.
  const few = quick ? 20 : 60
  const seconds = quick ? 4 : 20
  const cluster = await startCluster({ standbys: 1 })
  try {
    // Code that is not compiled yet costs more.
    await idle(cluster, 1, () => started(managersOf(cluster, 5, true)))
    // The process itself, which has started the servers.
    const none = await idle(cluster, seconds / 2, () => Promise.resolve([]))
    const single = await idle(cluster, seconds / 2, () => started(managersOf(cluster, 1, true)))
    const shared = await idle(cluster, seconds, () => started(managersOf(cluster, many, true)))
    const alone = await idle(cluster, seconds, () => started(managersOf(cluster, few, false)))
    const pools = await poolBytes(cluster, many)
    const one = await failover(1)
    const all = await failover(many)
    return {
      [`idle/tenants-${many}`]: {
        unit: 'bytes',
        times: {
          connmgr: Math.round(shared.bytes / many),
          apart: Math.round(alone.bytes / few),
          'pg.Pool': Math.round(pools / many),
        },
        also: {
          managers: { connmgr: many, apart: few, 'pg.Pool': many },
          'MB in all': { connmgr: Number((shared.bytes / 1e6).toFixed(1)) },
          '% of a core': {
            connmgr: Number((shared.busy / 1e7).toFixed(2)),
            'of which the process without managers': Number((none.busy / 1e7).toFixed(2)),
            'with one manager': Number((single.busy / 1e7).toFixed(2)),
            apart: Number((alone.busy / 1e7).toFixed(2)),
          },
          'monitoring sessions on the primary': {
            connmgr: shared.sessions,
            apart: alone.sessions,
          },
          'probes per second': {
            connmgr: Number(shared.probesPerSecond.toFixed(1)),
            apart: Number((alone.probesPerSecond * few).toFixed(1)),
          },
          'logins per second on the primary': {
            connmgr: Number(shared.loginsPerSecond.toFixed(2)),
            apart: Number(alone.loginsPerSecond.toFixed(2)),
          },
        },
      },
      'failover/of-one': { times: { connmgr: one * 1e6 } },
      [`failover/of-${many}`]: { times: { connmgr: all * 1e6 } },
    }
  } finally {
    await cluster.stop()
  }
}

export const tenants: Suite = {
  name: 'tenants',
  about:
    'memory of an idle manager among many, and the time from a promotion until all have followed; PostgreSQL, two servers',
  peers: ['pg.Pool'],
  ifNamed: true,
  run,
}
