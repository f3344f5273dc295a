import type { PostgresNode } from '@connmgr/testing'
import type { RoundContext } from '../round-context.js'
import { sessionsLeft } from '../sessions-left.js'

/** Servers know our connections by it; probes call themselves `connmgr-probe`. */
export const APPLICATION_NAME = 'connmgr-chaos'
/** A session that waits for a standby that will never confirm looks at its client no more, so it says nothing about us. */
const OURS = `select pid from pg_stat_activity
  where application_name in ($1, 'connmgr-probe') and wait_event is distinct from 'SyncRep'`

/** Connections of ours that servers still have after everything has been closed. */
export function countConnections(
  context: RoundContext,
  nodes: readonly PostgresNode[],
): Promise<number> {
  return sessionsLeft(
    context,
    nodes,
    async (node) => (await node.query(OURS, [APPLICATION_NAME])).length,
  )
}
