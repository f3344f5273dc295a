import { setTimeout as delay } from 'node:timers/promises'
import type { PostgresCluster, PostgresNode } from '@connmgr/testing'
import { now } from '../../now.js'
import type { Fault } from '../../peers/fault.js'

export const FAULTS: readonly Fault<PostgresCluster>[] = [
  {
    name: 'A',
    title: 'kill -9 of the primary, standby promoted 2 s later',
    async inject({ cluster, times }) {
      const from = now()
      const standby = standbyOf(cluster)
      await cluster.primary.crash()
      await delay(times.untilPromotionMs)
      await standby.promote()
      return { from, writableAt: now() }
    },
  },
  {
    name: 'B',
    title: 'fast stop of the primary, standby promoted at once',
    async inject({ cluster }) {
      const from = now()
      const standby = standbyOf(cluster)
      await cluster.primary.stop('fast')
      await standby.promote()
      return { from, writableAt: now() }
    },
  },
  {
    name: 'C',
    title: 'every process of the primary frozen, then thawed',
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
      'the same, but the standby is promoted after 2 s; the old primary comes back as a second one',
    async inject({ cluster, times }) {
      const from = now()
      const old = cluster.primary
      const standby = standbyOf(cluster)
      await old.freeze()
      await delay(times.untilPromotionMs)
      await standby.promote()
      const writableAt = now()
      await delay(times.frozenMs - times.untilPromotionMs)
      await old.thaw()
      // It has lost its standby, and goes on without, as cluster managers let a primary do.
      await old.query("alter system set synchronous_standby_names = ''")
      await old.query('select pg_reload_conf()')
      return { from, writableAt }
    },
  },
  {
    name: 'D',
    title: 'restart of the same primary',
    async inject({ cluster }) {
      const from = now()
      await cluster.primary.stop('fast')
      await cluster.primary.start()
      return { from, writableAt: now() }
    },
  },
  {
    name: 'E',
    title: 'all backends of the primary terminated',
    async inject({ cluster }) {
      const from = now()
      await cluster.primary.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      return { from, writableAt: now() }
    },
  },
  {
    name: 'F',
    title: 'silent black hole between client and primary, old sockets dead for ever',
    throughProxy: true,
    async inject({ proxy, times }) {
      if (proxy === undefined) throw new Error('this fault needs a proxy before the primary')
      const from = now()
      proxy.blackHole('both')
      proxy.abandon()
      await delay(times.blackHoleMs)
      await proxy.heal()
      return { from, writableAt: now() }
    },
  },
]

function standbyOf(cluster: PostgresCluster): PostgresNode {
  const [standby] = cluster.standbys
  if (standby === undefined) throw new Error('this fault needs a standby')
  return standby
}
