import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** With `suspend` and `resume` around it, callers see nothing of a planned switchover but a pause. */
export const scenario: Scenario = {
  id: 20,
  name: 'planned switchover with suspend and resume',
  quick: true,
  targets: { firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { load, manager, primary, standby } = service
    context.step('suspend')
    const suspendedAt = now()
    manager.suspend()
    await context.until(() => manager.getPoolMetrics().checkedOut === 0, 'nothing is in flight')
    const drainedMs = now() - suspendedAt
    context.step('the primary stops, the standby is promoted')
    await primary.stop('fast')
    const promotion = await promote(standby)
    context.step('resume')
    manager.resume()
    await service.writes(20)
    context.step('the old primary comes back as a standby')
    await primary.rebuildAsStandbyOf(standby)
    await service.writes(20)
    const measured = await service.finish(standby)
    const failed = load.failed('write').length + load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)
    return { drainedMs, firstWriteMs: service.firstWriteMs(promotion), ...measured }
  },
}
