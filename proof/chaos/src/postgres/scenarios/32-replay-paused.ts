import { now } from '../../now.js'
import { Reads } from '../reads.js'
import type { Scenario } from '../scenario.js'

const MAX_LAG_MS = 1000
/** Two rounds of probes, and a read that began before. */
const SLACK_MS = 1500

/** The standby receives everything and says that it is well; only the writer's position tells that it stands still. */
export const scenario: Scenario = {
  id: 32,
  name: 'replay is paused on the standby',
  throughOrm: false,
  targets: { outMs: MAX_LAG_MS + SLACK_MS },
  async run(context) {
    const service = await context.service({
      load: false,
      manager: { failover: { maxLagMs: MAX_LAG_MS } },
    })
    const { manager, primary, recorder, standby } = service
    const reads = await Reads.start(context, primary, manager)
    await context.until(() => reads.on(standby).length > 10, 'the standby is read from')
    context.step('its replay is paused')
    const pausedAt = now()
    await standby.query('select pg_wal_replay_pause()')
    await context.until(() => recorder.of('standbyFellBehind').length > 0, 'it is out')
    const outAt = recorder.of('standbyFellBehind')[0]?.at ?? Number.NaN
    await context.until(() => reads.on(primary, outAt).length > 20, 'the primary is read from')
    const meanwhile = reads.on(standby, outAt + 200).length
    context.expect(meanwhile === 0, `${meanwhile} reads on the standby that stands still`)
    context.step('its replay goes on')
    const resumedAt = now()
    await standby.query('select pg_wal_replay_resume()')
    await context.until(() => recorder.of('standbyCaughtUp').length > 0, 'it is back')
    const backAt = recorder.of('standbyCaughtUp')[0]?.at ?? Number.NaN
    await context.until(() => reads.on(standby, backAt).length > 10, 'it is read from again')
    await reads.stop()
    context.expect(
      reads.mostStaleMs <= MAX_LAG_MS + SLACK_MS,
      `a reader was shown what was ${Math.round(reads.mostStaleMs)} ms old`,
    )
    context.expect(reads.failures.length === 0, `${reads.failures.length} calls failed`)
    const measured = await service.finish(primary)
    return {
      outMs: outAt - pausedAt,
      backMs: backAt - resumedAt,
      mostStaleMs: reads.mostStaleMs,
      reads: reads.samples.length,
      ...measured,
    }
  },
}
