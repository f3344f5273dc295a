import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { Work } from '../../load.js'
import { now } from '../../now.js'
import type { ChaosContext } from '../context.js'
import type { Figures, Scenario } from '../scenario.js'
import { inTransactions } from '../work.js'

/**
 * The same server is back after a moment: callers wait for it, no caller moves, and what was in flight is all that fails. In
 * transactions that may be run again not even that.
 */
export const scenario: Scenario = {
  id: 7,
  name: 'quick restart of the same primary',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 300 },
  async run(context) {
    const figures = await restart(context)
    context.step('the same with transactions that may be run again')
    const replayed = await restart(context, inTransactions)
    context.expect(
      replayed.failed === 0,
      `${replayed.failed} transactions failed that may be run again`,
    )
    for (const count of ['lost', 'duplicated'])
      context.expect(replayed[count] === 0, `${count} is ${replayed[count]} with replay`)
    return {
      ...figures,
      replayedFailed: replayed.failed ?? Number.NaN,
      replayedUnknown: replayed.unknown ?? Number.NaN,
    }
  },
}

async function restart(
  context: ChaosContext,
  work?: (manager: MysqlConnectionManager) => Work,
): Promise<Figures> {
  const service = await context.service({
    // A commit that waits for the replica would wait until that has connected again, up to a second later.
    cluster: { synchronous: false },
    ...(work === undefined ? {} : { work }),
  })
  const { primary, recorder } = service
  context.step('shut down, and start again')
  const stoppedAt = now()
  await primary.stop()
  await primary.start()
  const startedAt = now()
  await service.writes(20)
  const moves = recorder.moves(stoppedAt)
  context.expect(moves === 0, `callers were moved ${moves} times`)
  const figures = await service.finish(primary)
  service.expectNoFailedAcquire()
  service.expectReadsGoOn(stoppedAt, startedAt)
  return {
    detectionMs: service.detectionMs(primary, stoppedAt),
    recoveredMs: service.recoveredMs(startedAt),
    ...figures,
  }
}
