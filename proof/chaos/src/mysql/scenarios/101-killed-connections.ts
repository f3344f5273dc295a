import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { Work } from '../../load.js'
import { now } from '../../now.js'
import { alsoReplayed } from '../../scenarios/also-replayed.js'
import type { ChaosContext } from '../context.js'
import type { Measurements, Scenario } from '../scenario.js'
import { inTransactions } from '../work.js'

const TIMES = 3

/** KILL of every session, again and again: none that is dead is lent, no caller moves, and what was in flight is all that fails. */
export const scenario: Scenario = {
  id: 101,
  name: 'all connections are killed, three times',
  quick: true,
  targets: { afterKillMs: 300 },
  run: (context) => alsoReplayed(context, killAll, inTransactions),
}

async function killAll(
  context: ChaosContext,
  work?: (manager: MysqlConnectionManager) => Work,
): Promise<Measurements> {
  const service = await context.service(work === undefined ? {} : { work })
  const { primary, recorder } = service
  const from = now()
  let killed = 0
  let afterKillMs = 0
  for (let times = 1; times <= TIMES; times += 1) {
    context.step('every session is killed')
    const killedAt = now()
    killed += await primary.killConnections('app')
    await service.writes(10)
    afterKillMs = Math.max(afterKillMs, service.recoveredMs(killedAt))
  }
  const moves = recorder.moves(from)
  context.expect(moves === 0, `callers were moved ${moves} times`)
  context.expect(killed > 0, 'there was no session to kill')
  const measured = await service.finish(primary)
  service.expectNoFailedAcquire()
  return { killed, afterKillMs, ...measured }
}
