import type { PostgresNode } from '@connmgr/testing'
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
  const running = nodes.filter((node) => node.running && !node.frozen)
  context.expect(
    result.deniedCommitted === 0,
    `${result.deniedCommitted} writes were said to have failed, but are there`,
  )
  return {
    acknowledged: result.acknowledged,
    longestGapMs: log.longestGapMs,
    failed: result.failed,
    failedNotSent: failures['not-sent'],
    failedRefused: failures.refused,
    failedAborted: failures.aborted,
    failedConflict: failures.conflict,
    failedStatement: failures.statement,
    failedReads: log.failed('read').length,
    unknown: result.unknown,
    unknownCommitted: result.unknownCommitted,
    lost: result.lost,
    duplicated: result.duplicated,
    connectionsLeft: await countConnections(context, running),
  }
}
