import { createConnectionManager } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import type { Measured, Suite } from '../suite.js'

const ENDPOINTS = 3
const PROBE_NAME = 'connmgr-probe'

/** Nanoseconds of processor time per second that passes. */
async function busyPerSecond(seconds: number): Promise<number> {
  const before = process.cpuUsage()
  const from = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e6) / (performance.now() - from)
}

/** What it costs to watch servers that are well: everything the manager does in a second, less what it does unwatched. */
async function watching(quick: boolean): Promise<Measured> {
  const seconds = quick ? 1.5 : 20
  const cluster = await startCluster({ standbys: ENDPOINTS - 1 })
  const [databaseUrl, ...failoverUrls] = cluster.nodes.map((node) => node.url())
  const manager = createConnectionManager({
    databaseUrl: databaseUrl as string,
    failoverUrls,
    logger: false,
  })
  try {
    await manager.start()
    // The first rounds run code that is not compiled yet.
    await busyPerSecond(quick ? 1 : 10)
    const watched = await busyPerSecond(seconds)
    const sessions = await cluster.primary.query(
      'select 1 from pg_stat_activity where application_name = $1',
      [PROBE_NAME],
    )
    manager.stopHealthMonitoring()
    const unwatched = await busyPerSecond(seconds)
    const spent = Math.max(0, watched - unwatched)
    return {
      times: { connmgr: Math.round(spent) },
      also: {
        '% of a core': { connmgr: Number((spent / 1e7).toFixed(2)) },
        'connections per endpoint': { connmgr: sessions.length },
      },
    }
  } finally {
    await manager.close()
    await cluster.stop()
  }
}

export const probes: Suite = {
  name: 'probes',
  about: `processor time per second that watching ${ENDPOINTS} healthy servers takes; PostgreSQL`,
  peers: [],
  ifNamed: true,
  async run({ quick }) {
    return { [`endpoints-${ENDPOINTS}`]: await watching(quick) }
  },
}
