import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** One replica refuses the password: it is quarantined, and the others are found all the same. */
export const scenario: Scenario = {
  id: 38,
  name: 'one replica refuses the password',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const cluster = await context.cluster({ replicas: 2, synchronous: true })
    const [primary, refusing, standby] = cluster.nodes
    if (primary === undefined || refusing === undefined || standby === undefined)
      throw new Error('there are too few servers')
    // A commit waits for any one replica, which must be the one that is promoted.
    await refusing.query('stop slave')
    const service = await context.service({
      nodes: [primary, standby],
      manager: { failoverUrls: [refusing.url({ password: 'wrong' }), standby.url()] },
    })
    const stateOf = () =>
      service.manager
        .getFailoverStatus()
        .endpoints.find((each) => each.id === service.endpointOf(refusing))?.state
    context.expect(stateOf() === 'QUARANTINED', `the replica is ${stateOf()}`)
    context.step('kill -9 of the primary, the other replica is promoted')
    const crashedAt = now()
    await primary.crash()
    const promotion = await service.promote(standby)
    await service.writes(20)
    context.expect(stateOf() === 'QUARANTINED', `the replica is ${stateOf()}`)
    const told = JSON.stringify(service.recorder.events)
    context.expect(!told.includes('wrong'), 'an event has the password')
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      ...figures,
    }
  },
}
