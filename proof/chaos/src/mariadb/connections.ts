import type { MariadbNode } from '@connmgr/testing'
import type { RoundContext } from '../round-context.js'
import { sessionsLeft } from '../sessions-left.js'

/**
 * Of the account of the application. One whose commit waits for a replica that will never confirm, and those whose commits
 * stand in line behind that, look at their clients no more, so they say nothing about us.
 */
const OURS = `select id from information_schema.processlist
  where user = 'app' and coalesce(state, '') not in ('Waiting for semi-sync ACK from slave', 'Commit')`

/** Connections of ours that servers still have after everything has been closed. */
export function countConnections(
  context: RoundContext,
  nodes: readonly MariadbNode[],
): Promise<number> {
  return sessionsLeft(context, nodes, async (node) => (await node.query(OURS)).length)
}
