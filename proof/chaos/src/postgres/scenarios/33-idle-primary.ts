import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const IDLE_MS = 5000
const MAX_LAG_MS = 300
const NAIVE = `
  select pg_is_in_recovery() as standby,
         extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 * 1000 as "naiveLagMs"`

/** Nothing is written, so nothing is replayed: the age of the last replayed transaction grows, which is not lag. */
export const scenario: Scenario = {
  id: 33,
  name: 'the primary is idle, which is no lag',
  throughOrm: false,
  async run(context) {
    const service = await context.service({
      load: false,
      manager: { failover: { maxLagMs: MAX_LAG_MS, probeIntervalMs: 100 } },
    })
    const { manager, primary, recorder, standby } = service
    await primary.query("insert into ledger (id, orm) values ('last', 'none')")
    await standby.waitForReplay(primary)
    context.step('nothing is written any more')
    const until = now() + IDLE_MS
    let worstLagMs = 0
    let naiveLagMs = 0
    let reads = 0
    while (now() < until) {
      const { rows } = await manager.replica.query<{ standby: boolean; naiveLagMs: number }>(NAIVE)
      context.expect(rows[0]?.standby === true, 'a read went to the primary')
      naiveLagMs = Math.max(naiveLagMs, rows[0]?.naiveLagMs ?? 0)
      for (const { lagMs = 0 } of manager.getFailoverStatus().endpoints)
        worstLagMs = Math.max(worstLagMs, lagMs)
      reads += 1
      await context.sleep(20)
    }
    context.expect(worstLagMs <= MAX_LAG_MS, `it was taken to be ${worstLagMs} ms behind`)
    context.expect(recorder.of('standbyFellBehind').length === 0, 'it was out')
    context.expect(naiveLagMs > IDLE_MS / 2, 'the primary was not idle, so this shows nothing')
    const measured = await service.finish(primary)
    return { worstLagMs, naiveLagMs, reads, ...measured }
  },
}
