import type { MysqlNode } from '@connmgr/testing'
import type { RoundContext } from '../round-context.js'
import { sessionsLeft } from '../sessions-left.js'
import { COMMITTING } from './commit-states.js'

/**
 * Of the account of the application. One whose commit waits for a replica that will never confirm, and those whose commits
 * stand in line behind that, look at their clients no more, so they say nothing about us.
 */
const OURS = `select id from information_schema.processlist where user = 'app' and not (${COMMITTING})`

/** Connections of ours that servers still have after everything has been closed. */
export function countConnections(
  context: RoundContext,
  nodes: readonly MysqlNode[],
): Promise<number> {
  return sessionsLeft(context, nodes, async (node) => (await node.query(OURS)).length)
}
