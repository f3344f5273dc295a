import { type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PeerDatabase } from '../../peers/peer-database.js'
import { FAULTS } from './faults.js'
import { Haproxy, haproxyVersion } from './haproxy.js'
import { PEERS } from './registry.js'
import { LEDGER_TABLE } from './table.js'

export const POSTGRESQL: PeerDatabase<PostgresCluster> = {
  name: 'postgresql',
  peers: PEERS,
  faults: FAULTS,
  libraries: ['pg', 'typeorm', 'knex', 'postgres', 'aws-advanced-nodejs-wrapper'],
  // npm has installed the servers.
  prepare: () => {},
  async startCluster() {
    const cluster = await startCluster({ standbys: 1, synchronous: true })
    try {
      await cluster.primary.query(LEDGER_TABLE)
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  },
  async versionOf(primary) {
    const [row] = await primary.query<{ version: string }>(
      "select current_setting('server_version') as version",
    )
    return row?.version ?? 'unknown'
  },
  routerVersion: haproxyVersion,
  startRouter: (cluster, urls) =>
    Haproxy.start(
      cluster.nodes.map((node, index) => ({
        url: urls[index] as string,
        isLeader: () => cluster.primary === node,
      })),
    ),
}
