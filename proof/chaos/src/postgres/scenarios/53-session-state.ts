import type { PgConnectionManager } from '@connmgr/pg'
import type { Work } from '../../load.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const SETTING = "select current_setting('app.tenant', true) as tenant"

function watchful(manager: PgConnectionManager): Work {
  return {
    orm: 'pg',
    write: (id) =>
      manager.pool.query(
        `insert into ledger (id, orm) select $1, 'pg' where current_setting('app.tenant') = 'acme'`,
        [id],
      ),
    read: async () => {
      const { rows } = await manager.replica.query(SETTING)
      if (rows[0].tenant !== 'acme') throw new Error(`the tenant is ${rows[0].tenant}`)
    },
  }
}

/** What `onConnect` sets holds on every connection, to whichever server and for whatever reason it was opened. */
export const scenario: Scenario = {
  id: 53,
  name: 'session settings through a failover',
  throughOrm: false,
  async run(context) {
    const service = await context.service({
      work: watchful,
      manager: {
        onConnect: async (client) => {
          await client.query("set app.tenant = 'acme'")
        },
      },
    })
    const { load, primary, standby } = service
    context.step('backends are terminated')
    await primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'connmgr-chaos'",
    )
    await service.writes(20)
    context.step('kill -9 of the primary')
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(20)
    service.expectNoFailedAcquire()
    const without = load.operations.filter(({ message }) => /tenant/.test(message ?? ''))
    context.expect(without.length === 0, `${without.length} callers found no setting`)
    const measured = await service.finish(standby)
    return { firstWriteMs: service.firstWriteMs(promotion), ...measured }
  },
}
