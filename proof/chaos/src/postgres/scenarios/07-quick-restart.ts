import type { PgConnectionManager } from '@connmgr/pg'
import type { PostgresNode } from '@connmgr/testing'
import type { Work } from '../../load.js'
import { now } from '../../now.js'
import type { ChaosContext } from '../context.js'
import type { Figures, Scenario } from '../scenario.js'

const TERMINATE_ALL = `
select pg_terminate_backend(pid) from pg_stat_activity
 where pid <> pg_backend_pid() and backend_type = 'client backend'`

/**
 * The same server is back after a moment, and later ends all sessions: callers wait for it, no caller moves, and what was in
 * flight is all that fails. In transactions that may be run again not even that.
 */
export const scenario: Scenario = {
  id: 7,
  name: 'quick restart of the same primary, and all backends terminated',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 300, afterTerminationMs: 300 },
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
  work?: (manager: PgConnectionManager) => Work,
): Promise<Figures> {
  const service = await context.service(work === undefined ? {} : { work })
  const { primary, recorder } = service
  context.step('fast shutdown, and start again')
  const stoppedAt = now()
  await primary.stop('fast')
  await primary.start()
  const startedAt = now()
  await service.writes(20)
  context.step('all backends are terminated, three times')
  const terminatedAt = now()
  for (let times = 1; times <= 3; times += 1) {
    await terminateAll(primary)
    await service.writes(10)
  }
  const moves = recorder.moves(stoppedAt)
  context.expect(moves === 0, `callers were moved ${moves} times`)
  const figures = await service.finish(primary)
  service.expectNoFailedAcquire()
  service.expectReadsGoOn(stoppedAt, startedAt)
  return {
    detectionMs: service.detectionMs(primary, stoppedAt),
    recoveredMs: service.recoveredMs(startedAt),
    afterTerminationMs: service.recoveredMs(terminatedAt),
    ...figures,
  }
}

async function terminateAll(node: PostgresNode): Promise<void> {
  await node.query(TERMINATE_ALL)
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
