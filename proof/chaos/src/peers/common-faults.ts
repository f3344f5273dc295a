import { setTimeout as delay } from 'node:timers/promises'
import { now } from '../now.js'
import type { ServerNode } from '../server-node.js'
import type { Fault } from './fault.js'
import type { PeerCluster } from './peer-database.js'

/** What every database can suffer. */
export const CRASH: Fault = {
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
}

export const FREEZE: Fault = {
  name: 'C',
  title: 'every process of the primary frozen, then thawed',
  async inject({ cluster, times }) {
    const from = now()
    await cluster.primary.freeze()
    await delay(times.frozenMs)
    await cluster.primary.thaw()
    return { from, writableAt: now() }
  },
}

/** @param goOnAlone has the old primary go on without its standby, as its operator would */
export function freezeAndPromote(goOnAlone: (old: ServerNode) => Promise<void>): Fault {
  return {
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
      await goOnAlone(old)
      return { from, writableAt }
    },
  }
}

/** The server that is to be promoted. */
export function standbyOf({ nodes, primary }: PeerCluster): ServerNode {
  const standby = nodes.find((node) => node !== primary)
  if (standby === undefined) throw new Error('this fault needs a standby')
  return standby
}
