import type { PostgresNode } from '@connmgr/testing'
import { FAILURE_CLASSES } from '../../demo/src/failure-class.js'
import type { Ledger } from '../../demo/src/ledger.js'
import { countConnections } from './connections.js'
import type { ChaosContext } from './context.js'
import type { OperationLog } from './operation-log.js'
import type { Figures } from './scenario.js'

/**
 * What every scenario measures, once its callers and their manager have ended.
 *
 * @param survivors the servers whose word counts
 * @param nodes those that must have no connection left if they are running
 */
export async function measure(
  context: ChaosContext,
  ledger: Ledger,
  log: OperationLog,
  survivors: readonly PostgresNode[],
  nodes: readonly PostgresNode[],
): Promise<Figures> {
  const result = await ledger.check(...survivors)
  const { failures } = ledger
  const failed = FAILURE_CLASSES.filter((each) => failures[each] > 0 && each !== 'unknown')
  const running = nodes.filter((node) => node.running && !node.frozen)
  context.expect(
    result.deniedCommitted === 0,
    `${result.deniedCommitted} writes were said to have failed, but are there`,
  )
  return {
    acknowledged: result.acknowledged,
    longestGapMs: log.longestGapMs,
    failed: result.failed,
    ...Object.fromEntries(failed.map((each) => [`failed ${each}`, failures[each]])),
    failedReads: log.failed('read').length,
    unknown: result.unknown,
    unknownCommitted: result.unknownCommitted,
    lost: result.lost,
    duplicated: result.duplicated,
    connectionsLeft: await countConnections(context, running),
  }
}
