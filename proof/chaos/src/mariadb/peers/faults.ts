import { setTimeout as delay } from 'node:timers/promises'
import type { MariadbCluster, MariadbNode } from '@connmgr/testing'
import { now } from '../../now.js'
import type { Fault } from '../../peers/fault.js'

/** With the names that the same faults of PostgreSQL have. */
export const FAULTS: readonly Fault<MariadbCluster>[] = [
  {
    name: 'A',
    title: 'kill -9 of the primary, replica promoted 2 s later',
    async inject({ cluster, times }) {
      const from = now()
      const replica = replicaOf(cluster)
      await cluster.primary.crash()
      await delay(times.untilPromotionMs)
      await replica.promote()
      return { from, writableAt: now() }
    },
  },
  {
    name: 'C',
    title: 'the process of the primary frozen, then thawed',
    async inject({ cluster, times }) {
      const from = now()
      await cluster.primary.freeze()
      await delay(times.frozenMs)
      await cluster.primary.thaw()
      return { from, writableAt: now() }
    },
  },
  {
    name: 'C2',
    title:
      'the same, but the replica is promoted after 2 s; the old primary comes back as a second one',
    async inject({ cluster, times }) {
      const from = now()
      const old = cluster.primary
      const replica = replicaOf(cluster)
      await old.freeze()
      await delay(times.untilPromotionMs)
      await replica.promote()
      const writableAt = now()
      await delay(times.frozenMs - times.untilPromotionMs)
      await old.thaw()
      // It has lost its replica, and goes on without, as an operator would let a primary do.
      await old.query('set global rpl_semi_sync_master_enabled = off')
      return { from, writableAt }
    },
  },
  {
    name: 'E',
    title: 'all connections to the primary killed',
    async inject({ cluster }) {
      const from = now()
      await cluster.primary.killConnections('app')
      return { from, writableAt: now() }
    },
  },
]

function replicaOf(cluster: MariadbCluster): MariadbNode {
  const [replica] = cluster.replicas
  if (replica === undefined) throw new Error('this fault needs a replica')
  return replica
}
