import type { Ledger, LedgerServer } from '@connmgr/testing'
import type { OperationLog } from './operation-log.js'
import type { RoundContext } from './round-context.js'
import type { Measurements } from './scenario.js'

/** A server that tells what has been written. */
export type Witness = LedgerServer

/**
 * What every scenario measures, once its callers and their manager have ended.
 *
 * @param survivors the servers whose word counts
 * @param connectionsLeft counts the sessions of ours that servers still have
 */
export async function measure(
  context: RoundContext,
  ledger: Ledger,
  log: OperationLog,
  survivors: readonly Witness[],
  connectionsLeft: () => Promise<number>,
): Promise<Measurements> {
  const result = await ledger.check(...survivors)
  const { failures } = ledger
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
    connectionsLeft: await connectionsLeft(),
  }
}
