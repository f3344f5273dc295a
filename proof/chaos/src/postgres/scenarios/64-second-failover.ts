import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/**
 * The server that takes over dies in the moment in which it does. Commits need both others, so that the servers lose
 * nothing that they have acknowledged; what is in flight on the short-lived primary hangs, and dies with it.
 */
export const scenario: Scenario = {
  id: 64,
  name: 'a second failover during the first',
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({
      standbys: 2,
      cluster: { synchronous: false, settings: { synchronous_standby_names: 'ANY 2 (*)' } },
    })
    const { manager, nodes, primary } = service
    const [, shortLived, last] = nodes
    if (shortLived === undefined || last === undefined) throw new Error('there are three servers')
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    context.step('the first standby is promoted, and killed at once')
    await shortLived.promote()
    await shortLived.crash()
    context.step('the second standby is promoted')
    await last.query("alter system set synchronous_standby_names = ''")
    await last.query('select pg_reload_conf()')
    const promotion = await promote(last)
    await service.writes(20)
    const { activeEndpoint, epoch } = manager.getFailoverStatus()
    context.expect(
      activeEndpoint === service.endpointOf(last),
      `callers write to ${activeEndpoint}`,
    )
    const measured = await service.finish(last)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      epoch,
      ...measured,
    }
  },
}
