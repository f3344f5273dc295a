import { setTimeout as delay } from 'node:timers/promises'
import type { PostgresCluster } from '@connmgr/testing'
import { now } from '../../now.js'
import { CRASH, FREEZE, freezeAndPromote, standbyOf } from '../../peers/common-faults.js'
import type { Fault } from '../../peers/fault.js'

export const FAULTS: readonly Fault<PostgresCluster>[] = [
  CRASH,
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
  FREEZE,
  freezeAndPromote(async (old) => {
    await old.query("alter system set synchronous_standby_names = ''")
    await old.query('select pg_reload_conf()')
  }),
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
