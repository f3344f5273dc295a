import { now } from '../../now.js'
import { MovingName } from '../moving-name.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** After a switchover the name still leads to what is a standby now: no write goes there, and writers wait. */
export const scenario: Scenario = {
  id: 36,
  name: 'DNS still names the demoted server',
  deadlineMs: 90_000,
  async run(context) {
    const cluster = await context.cluster({ standbys: 1, synchronous: true })
    const { nodes } = cluster
    const name = await MovingName.of(context, nodes)
    const service = await context.service({ nodes, manager: name.manager })
    const { load, primary, standby } = service
    context.step('a switchover that DNS does not know of')
    const switchedAt = now()
    await primary.stop('fast')
    await promote(standby)
    await primary.rebuildAsStandbyOf(standby)
    await context.sleep(2000)
    const refused = load
      .failed('write', switchedAt)
      .filter(({ message }) => message?.includes('read-only'))
    context.expect(refused.length === 0, `${refused.length} writes reached the demoted server`)
    context.step('the name moves')
    const movedAt = now()
    name.leadTo(standby)
    await service.writes(20)
    const followedMs = service.recoveredMs(movedAt)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return { followedMs, refusedWrites: refused.length, ...measured }
  },
}
