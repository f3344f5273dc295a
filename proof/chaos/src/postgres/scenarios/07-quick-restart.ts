import type { PgConnectionManager } from '@connmgr/pg'
import type { Work } from '../../load.js'
import { now } from '../../now.js'
import { alsoReplayed } from '../../scenarios/also-replayed.js'
import { surviveRestart } from '../../scenarios/quick-restart.js'
import type { ChaosContext } from '../context.js'
import type { Measurements, Scenario } from '../scenario.js'

const TERMINATE_ALL = `
select pg_terminate_backend(pid) from pg_stat_activity
 where pid <> pg_backend_pid() and backend_type = 'client backend'`

/** After the restart the server ends all sessions, again and again. */
export const scenario: Scenario = {
  id: 7,
  name: 'quick restart of the same primary, and all backends terminated',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 300, afterTerminationMs: 300 },
  run: (context) => alsoReplayed(context, restart, inTransactions),
}

async function restart(
  context: ChaosContext,
  work?: (manager: PgConnectionManager) => Work,
): Promise<Measurements> {
  const service = await context.service(work === undefined ? {} : { work })
  let terminatedAt = Number.NaN
  const measured = await surviveRestart(context, service, async () => {
    context.step('all backends are terminated, three times')
    terminatedAt = now()
    for (let times = 1; times <= 3; times += 1) {
      await service.primary.query(TERMINATE_ALL)
      await service.writes(10)
    }
  })
  return { ...measured, afterTerminationMs: service.recoveredMs(terminatedAt) }
}

function inTransactions(manager: PgConnectionManager): Work {
  return {
    orm: 'pg',
    write: (id) =>
      manager.transaction(
        (client) => client.query("insert into ledger (id, orm) values ($1, 'pg')", [id]),
        { replay: 'safe' },
      ),
    read: () => manager.replica.query('select count(*) from ledger'),
  }
}
