import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { roughen, wideArea } from '../wide-area.js'

const WATCHED_MS = 30_000

/** The path becomes much longer than anything seen before. That may look like a silence once, and not again. */
export const scenario: Scenario = {
  id: 70,
  name: 'a round trip grows from 20 to 600 ms',
  group: 'wan',
  throughOrm: false,
  deadlineMs: 120_000,
  async run(context) {
    const area = await wideArea(context)
    roughen(area, 20)
    const { manager, recorder } = area.open(2)
    await manager.pool.query('select 1')
    await context.sleep(5000)
    context.step('the path becomes longer')
    const from = now()
    roughen(area, 600)
    await context.sleep(WATCHED_MS)
    const failovers = recorder.of('failoverStarted', from).length
    context.expect(failovers <= 1, `${failovers} failovers were begun`)
    const askedAt = now()
    await manager.pool.query('select 1')
    return { failovers, queryMs: now() - askedAt }
  },
}
