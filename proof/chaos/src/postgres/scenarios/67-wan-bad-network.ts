import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { falseAlarms, roughen, wideArea } from '../wide-area.js'

const WATCHED_MS = 45_000

/** Everything comes late, some of it very late. Servers that answer stay in service, and no caller moves. */
export const scenario: Scenario = {
  id: 67,
  name: 'jitter of 400 ms each way, 10 % of segments stalled by 800 ms',
  group: 'wan',
  throughOrm: false,
  deadlineMs: 180_000,
  async run(context) {
    const area = await wideArea(context)
    roughen(area, 100, { jitterMs: 400, stalled: 0.1 })
    const idle = area.open(2)
    const used = area.open(2)
    const from = now()
    await Promise.all([idle.manager.start(), used.manager.start()])
    context.step(`${WATCHED_MS / 1000} s of it`)
    let failed = 0
    let answered = 0
    while (now() - from < WATCHED_MS) {
      await used.manager.pool.query('select 1').then(
        () => {
          answered += 1
        },
        () => {
          failed += 1
        },
      )
      await context.sleep(200)
    }
    const alarms = falseAlarms(idle.recorder, from) + falseAlarms(used.recorder, from)
    context.expect(alarms === 0, `${alarms} false alarms`)
    context.expect(failed === 0, `${failed} queries failed`)
    context.expect(answered > 0, 'no query was answered')
    await idle.manager.pool.query('select 1')
    return { falseAlarms: alarms, answered, failed }
  },
}
