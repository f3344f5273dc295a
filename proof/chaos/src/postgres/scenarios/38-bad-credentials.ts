import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** One standby refuses the password: it is quarantined, and the others are found all the same. */
export const scenario: Scenario = {
  id: 38,
  name: 'one standby refuses the credentials',
  targets: { firstWriteMs: 300 },
  async run(context) {
    const cluster = await context.cluster({
      standbys: 2,
      synchronous: true,
      hbaMethod: 'scram-sha-256',
    })
    const [primary, refusing, standby] = cluster.nodes
    if (primary === undefined || refusing === undefined || standby === undefined)
      throw new Error('there are too few servers')
    const service = await context.service({
      nodes: [primary, standby],
      manager: { failoverUrls: [refusing.url({ password: 'wrong' }), standby.url()] },
    })
    const stateOf = () =>
      service.manager
        .getFailoverStatus()
        .endpoints.find((each) => each.id === service.endpointOf(refusing))?.state
    context.expect(stateOf() === 'QUARANTINED', `the standby is ${stateOf()}`)
    context.step('kill -9 of the primary, the other standby is promoted')
    const crashedAt = now()
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(20)
    context.expect(stateOf() === 'QUARANTINED', `the standby is ${stateOf()}`)
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      ...figures,
    }
  },
}
