import type { PgConnectionManager } from '@connmgr/pg'
import type { Work } from '../../load.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const NO_SUCH_STATEMENT = /prepared statement .* does not exist/

function named(manager: PgConnectionManager): Work {
  return {
    orm: 'pg',
    write: (id) =>
      manager.pool.query({
        name: 'write',
        text: "insert into ledger (id, orm) values ($1, 'pg')",
        values: [id],
      }),
    read: () =>
      manager.replica.query({ name: 'read', text: 'select count(*) from ledger', values: [] }),
  }
}

/** A prepared statement lives in its session: on another it has to be prepared anew, and no caller may notice. */
export const scenario: Scenario = {
  id: 52,
  name: 'named prepared statements through a failover',
  throughOrm: false,
  async run(context) {
    const shared = await context.service({ work: named, manager: { shared: true } })
    const { load, manager, primary, standby } = shared
    context.step('backends are terminated')
    await primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'connmgr-chaos'",
    )
    await shared.writes(20)
    context.step('sessions are wiped as they come back')
    const wiped = context.manager({
      databaseUrl: primary.url(),
      reset: 'discard-all',
      poolSize: 1,
      maxOverflow: 0,
    })
    for (let run = 0; run < 3; run += 1) await named(wiped).write(`wiped ${run}`)
    await wiped.close()
    context.step('kill -9 of the primary')
    await primary.crash()
    const promotion = await promote(standby)
    await shared.writes(20)
    const wrong = load.operations.filter(({ message }) => NO_SUCH_STATEMENT.test(message ?? ''))
    context.expect(wrong.length === 0, `${wrong.length} callers failed for a missing statement`)
    shared.expectNoFailedAcquire()
    context.expect(manager.getCounts().waiting === 0, 'a caller still waits')
    const measured = await shared.finish(standby)
    return { firstWriteMs: shared.firstWriteMs(promotion), ...measured }
  },
}
