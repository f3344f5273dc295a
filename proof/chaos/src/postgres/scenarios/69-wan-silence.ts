import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { roughen, wideArea } from '../wide-area.js'

/** Patience has an end: a server far away that is gone without a word is found gone. */
export const scenario: Scenario = {
  id: 69,
  name: 'a primary far away falls silent',
  group: 'wan',
  throughOrm: false,
  deadlineMs: 120_000,
  targets: { downMs: 4000 },
  async run(context) {
    const area = await wideArea(context)
    roughen(area, 160)
    const { manager, recorder } = area.open(2)
    await manager.pool.query('select 1')
    await context.sleep(5000)
    context.step('the primary falls silent')
    const silentAt = now()
    area.proxies[0]?.blackHole()
    const hanging = manager.pool.query('select 1').then(
      () => 'answered',
      (error: Error) => error.message,
    )
    const endpoint = area.endpointOf(0)
    await context.until(
      () => recorder.reached(endpoint, ['DOWN'], silentAt) !== undefined,
      'the primary is down',
    )
    const downMs = (recorder.reached(endpoint, ['DOWN'], silentAt) ?? Number.NaN) - silentAt
    context.step('it answers again')
    const healedAt = now()
    await area.proxies[0]?.heal()
    await manager.pool.query('select 1')
    await hanging
    return { downMs, backMs: now() - healedAt }
  },
}
