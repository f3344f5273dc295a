import { now } from './now.js'
import type { RoundContext } from './round-context.js'
import type { ServerNode } from './server-node.js'

const PATIENCE_MS = 3000
const POLL_MS = 20

/**
 * Sessions of ours that servers still have after everything has been closed; the servers get a moment to notice.
 *
 * @param countOf the sessions of ours on one server
 */
export async function sessionsLeft<N extends ServerNode>(
  context: RoundContext,
  nodes: readonly N[],
  countOf: (node: N) => Promise<number>,
): Promise<number> {
  const deadline = now() + PATIENCE_MS
  for (;;) {
    let left = 0
    for (const node of nodes) left += await countOf(node)
    if (left === 0 || now() >= deadline) return left
    await context.sleep(POLL_MS)
  }
}
