import type { MysqlConnectionManager } from '@connmgr/mysql'
import type { Work } from '../../load.js'
import { alsoReplayed } from '../../scenarios/also-replayed.js'
import { surviveRestart } from '../../scenarios/quick-restart.js'
import type { ChaosContext } from '../context.js'
import type { Measurements, Scenario } from '../scenario.js'
import { inTransactions } from '../work.js'

export const scenario: Scenario = {
  id: 7,
  name: 'quick restart of the same primary',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 300 },
  run: (context) => alsoReplayed(context, restart, inTransactions),
}

async function restart(
  context: ChaosContext,
  work?: (manager: MysqlConnectionManager) => Work,
): Promise<Measurements> {
  const service = await context.service({
    // A commit that waits for the replica would wait until that has connected again, up to a second later.
    cluster: { synchronous: false },
    ...(work === undefined ? {} : { work }),
  })
  return surviveRestart(context, service)
}
