import type { PostgresNode } from '@connmgr/testing'
import type { RoundContext } from '../round-context.js'

/** Servers know our connections by it; probes call themselves `connmgr-probe`. */
export const APPLICATION_NAME = 'connmgr-chaos'
const PATIENCE_MS = 3000

/**
 * Connections of ours that servers still have after everything has been closed; they get a moment to notice. One that
 * waits for a standby that will never confirm looks at its client no more, so it says nothing about us.
 */
export async function countConnections(
  context: RoundContext,
  nodes: readonly PostgresNode[],
): Promise<number> {
  let left = 0
  const deadline = performance.now() + PATIENCE_MS
  do {
    left = 0
    for (const node of nodes) {
      const rows = await node.query(
        `select pid from pg_stat_activity
          where application_name in ($1, 'connmgr-probe') and wait_event is distinct from 'SyncRep'`,
        [APPLICATION_NAME],
      )
      left += rows.length
    }
    if (left > 0) await context.sleep(20)
  } while (left > 0 && performance.now() < deadline)
  return left
}
