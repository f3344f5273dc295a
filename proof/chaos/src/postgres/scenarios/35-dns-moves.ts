import { now } from '../../now.js'
import { MovingName } from '../moving-name.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The name is all that is known. The primary dies, the standby is promoted, and the name moves to it. */
export const scenario: Scenario = {
  id: 35,
  name: 'DNS moves to the new primary',
  async run(context) {
    const cluster = await context.cluster({ standbys: 1, synchronous: true })
    const { nodes } = cluster
    const name = await MovingName.of(context, nodes)
    const service = await context.service({ nodes, manager: name.manager })
    const { primary, standby } = service
    context.step('kill -9 of the primary, the standby is promoted')
    await primary.crash()
    await promote(standby)
    await context.sleep(1000)
    context.step('the name moves')
    const movedAt = now()
    name.leadTo(standby)
    await service.writes(20)
    const followedMs = service.recoveredMs(movedAt)
    context.expect(followedMs < 1500, `it was followed after ${followedMs} ms`)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return { followedMs, ...measured }
  },
}
