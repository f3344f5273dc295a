import { MARIADB as MARIADB_PRODUCT, type MysqlCluster, startMariadb } from '@connmgr/testing'
import type { PeerDatabase } from '../../peers/peer-database.js'
import { requireServers } from '../database.js'
import { FAULTS } from './faults.js'
import { PEERS } from './registry.js'
import { LEDGER_TABLE } from './table.js'

export const MARIADB: PeerDatabase<MysqlCluster> = {
  name: 'mariadb',
  peers: PEERS,
  faults: FAULTS,
  libraries: ['mysql2', 'typeorm', 'aws-advanced-nodejs-wrapper'],
  prepare: (show) => requireServers(MARIADB_PRODUCT, show),
  async startCluster() {
    const cluster = await startMariadb({
      replicas: 1,
      synchronous: true,
      // The replica applies rows, not statements that take their time again.
      settings: { 'binlog-format': 'row' },
    })
    try {
      const { primary, replicas } = cluster
      for (const statement of LEDGER_TABLE) await primary.query(statement)
      await Promise.all(replicas.map((replica) => replica.waitForReplay(primary)))
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  },
  async versionOf(primary) {
    const [row] = await primary.query<{ version: string }>('select version() as version')
    return row?.version.split('-')[0] ?? 'unknown'
  },
}
