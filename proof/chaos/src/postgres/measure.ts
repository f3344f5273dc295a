import type { Ledger, PostgresNode } from '@connmgr/testing'
import { measure as measureAnywhere } from '../measure.js'
import type { OperationLog } from '../operation-log.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import { countConnections } from './connections.js'

/**
 * What every scenario measures, for one that has no service.
 *
 * @param survivors the servers whose word counts
 * @param nodes those that must have no connection left if they are running
 */
export function measure(
  context: RoundContext,
  ledger: Ledger,
  log: OperationLog,
  survivors: readonly PostgresNode[],
  nodes: readonly PostgresNode[],
): Promise<Measurements> {
  return measureAnywhere(context, ledger, log, survivors, () =>
    countConnections(
      context,
      nodes.filter((node) => node.running && !node.frozen),
    ),
  )
}
