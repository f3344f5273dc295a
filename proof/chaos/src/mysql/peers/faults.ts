import type { MysqlCluster } from '@connmgr/testing'
import { now } from '../../now.js'
import { CRASH, FREEZE, freezeAndPromote } from '../../peers/common-faults.js'
import type { Fault } from '../../peers/fault.js'

export const FAULTS: readonly Fault<MysqlCluster>[] = [
  CRASH,
  FREEZE,
  freezeAndPromote(async (old) => {
    await old.query('set global rpl_semi_sync_master_enabled = off')
  }),
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
