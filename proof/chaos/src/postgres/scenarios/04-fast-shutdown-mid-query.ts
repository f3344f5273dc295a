import { fateOf, heldUp } from '../in-flight.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const SLOW = "insert into ledger (id, orm) select 'aborted', 'pg' from pg_sleep(60)"

/** The server says to each statement that it ends its session, so its caller knows that it was rolled back. */
export const scenario: Scenario = {
  id: 4,
  name: 'fast shutdown in the middle of statements',
  throughOrm: false,
  async run(context) {
    const service = await context.service()
    const { ledger, manager, primary, standby } = service
    const fates = [
      fateOf(manager.pool.query(SLOW)),
      fateOf(manager.use((client) => client.query('select pg_sleep(60)'))),
      fateOf(manager.transaction((client) => client.query(SLOW))),
    ]
    const safe = [
      fateOf(
        manager.transaction(
          (client, _lease, attempt) =>
            client.query(
              attempt === 1 ? SLOW : "insert into ledger (id, orm) values ('safe', 'pg')",
            ),
          { replay: 'safe' },
        ),
      ),
      fateOf(
        manager.pool.query({
          text: "insert into ledger (id, orm) select 'safe alone', 'pg' from pg_sleep(2)",
          replay: 'safe',
        }),
      ),
    ]
    ledger.acknowledged('safe')
    ledger.acknowledged('safe alone')
    await heldUp(context, primary, 5)
    context.step('fast shutdown')
    await primary.stop('fast')
    const promotion = await promote(standby)
    const reported = await Promise.all(fates)
    context.expect(
      reported.every((fate) => fate === 'aborted'),
      `statements that were rolled back ended as: ${reported.join(', ')}`,
    )
    const replayed = await Promise.all(safe)
    context.expect(
      replayed.every((fate) => fate === 'done'),
      `a statement that is safe to repeat failed: ${replayed.join(', ')}`,
    )
    await service.writes(10)
    service.expectNoFailedAcquire()
    const { replays } = manager.getReplayStats()
    const measured = await service.finish(standby)
    const rows = await standby.query("select 1 from ledger where id = 'aborted'")
    context.expect(rows.length === 0, 'a write that was reported as rolled back is there')
    return { firstWriteMs: service.firstWriteMs(promotion), replays, ...measured }
  },
}
