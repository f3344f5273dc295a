import type { MariadbNode } from '@connmgr/testing'
import type { RoundContext } from '../round-context.js'

const PATIENCE_MS = 3000
/**
 * Of the account of the application. One whose commit waits for a replica that will never confirm, and those whose commits
 * stand in line behind that, look at their clients no more, so they say nothing about us.
 */
const OURS = `select id from information_schema.processlist
  where user = 'app' and coalesce(state, '') not in ('Waiting for semi-sync ACK from slave', 'Commit')`

/** Connections of ours that servers still have after everything has been closed; they get a moment to notice. */
export async function countConnections(
  context: RoundContext,
  nodes: readonly MariadbNode[],
): Promise<number> {
  let left = 0
  const deadline = performance.now() + PATIENCE_MS
  do {
    left = 0
    for (const node of nodes) left += (await node.query(OURS)).length
    if (left > 0) await context.sleep(20)
  } while (left > 0 && performance.now() < deadline)
  return left
}
