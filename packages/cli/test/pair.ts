import { type PostgresCluster, type PostgresNode, startCluster } from '@connmgr/testing'

/** A primary and its standby, which ask for passwords. */
export async function startPair(
  options: { maxConnections?: number } = {},
): Promise<{ cluster: PostgresCluster; primary: PostgresNode; standby: PostgresNode }> {
  const cluster = await startCluster({ standbys: 1, hbaMethod: 'scram-sha-256', ...options })
  return { cluster, primary: cluster.primary, standby: cluster.standbys[0] as PostgresNode }
}
