import { fateOf, heldUp } from '../in-flight.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const SLOW = "insert into ledger (id, orm) select 'slow', 'pg' from pg_sleep(60)"

/** The sessions are gone without an answer: the fate of a write by itself is unknown, and all else has left nothing. */
export const scenario: Scenario = {
  id: 5,
  name: 'immediate shutdown in the middle of statements',
  throughOrm: false,
  async run(context) {
    const service = await context.service()
    const { manager, primary, standby } = service
    const fates = [
      fateOf(manager.pool.query(SLOW)),
      fateOf(manager.pool.query('select pg_sleep(60)')),
      fateOf(manager.transaction((client) => client.query(SLOW))),
    ]
    await heldUp(context, primary, 3)
    context.step('immediate shutdown')
    await primary.stop('immediate')
    const promotion = await promote(standby)
    const reported = (await Promise.all(fates)).join(', ')
    context.expect(
      reported === 'unknown, aborted, aborted',
      `a write, a read and a transaction ended as: ${reported}`,
    )
    await service.writes(10)
    service.expectNoFailedAcquire()
    const measured = await service.finish(standby)
    return { firstWriteMs: service.firstWriteMs(promotion), ...measured }
  },
}
