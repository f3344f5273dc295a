import type { PostgresNode } from '@connmgr/testing'
import { now } from '../../now.js'
import { Reads } from '../reads.js'
import type { Scenario } from '../scenario.js'

const MAX_LAG_MS = 2000
/** What is written takes effect within the time between two probes, and a read may have begun before. */
const SLACK_MS = 1000

/** Out at the bound, back at half of it: in between a standby stays where it is. */
export const scenario: Scenario = {
  id: 31,
  name: 'a standby lags: out of the readers, and back with hysteresis',
  throughOrm: false,
  async run(context) {
    const service = await context.service({
      standbys: 2,
      load: false,
      manager: { failover: { maxLagMs: MAX_LAG_MS } },
    })
    const { manager, primary, recorder } = service
    const [, lagging, other] = service.nodes as [PostgresNode, PostgresNode, PostgresNode]
    const reads = await Reads.start(context, primary, manager)
    // Of two with nothing to do, the one that was listed first.
    await context.until(() => reads.on(lagging).length > 10, 'the standby is read from')
    context.step('one standby replays 6 s late')
    const lateAt = now()
    await replayLate(lagging, 3 * MAX_LAG_MS)
    const fellBehind = () => recorder.of('standbyFellBehind', lateAt)
    await context.until(() => fellBehind().length > 0, 'it is out')
    const outAt = fellBehind()[0]?.at ?? Number.NaN
    context.step('it replays late by more than half the bound, and less than the bound')
    await replayLate(lagging, 0.8 * MAX_LAG_MS)
    await context.sleep(2 * MAX_LAG_MS)
    const meanwhile = reads.on(lagging, outAt + SLACK_MS)
    context.expect(meanwhile.length === 0, `${meanwhile.length} reads on the standby that lags`)
    context.expect(reads.on(other, outAt).length > 50, 'the other standby was not read from')
    context.expect(
      recorder.of('standbyCaughtUp').length === 0,
      'it was back before it had caught up well',
    )
    context.step('it replays at once')
    const promptAt = now()
    await replayLate(lagging, 0)
    await context.until(() => recorder.of('standbyCaughtUp').length > 0, 'it is back')
    const backAt = recorder.of('standbyCaughtUp')[0]?.at ?? Number.NaN
    await context.until(() => reads.on(lagging, backAt).length > 10, 'it is read from again')
    await reads.stop()
    context.expect(fellBehind().length === 1, `it was out ${fellBehind().length} times`)
    context.expect(
      reads.mostStaleMs <= MAX_LAG_MS + SLACK_MS,
      `a reader was shown what was ${Math.round(reads.mostStaleMs)} ms old`,
    )
    context.expect(reads.failures.length === 0, `${reads.failures.length} calls failed`)
    const measured = await service.finish(primary)
    return {
      outMs: outAt - lateAt,
      backMs: backAt - promptAt,
      mostStaleMs: reads.mostStaleMs,
      reads: reads.samples.length,
      ...measured,
    }
  },
}

async function replayLate(standby: PostgresNode, byMs: number): Promise<void> {
  await standby.query(`alter system set recovery_min_apply_delay = '${byMs}ms'`)
  await standby.query('select pg_reload_conf()')
}
