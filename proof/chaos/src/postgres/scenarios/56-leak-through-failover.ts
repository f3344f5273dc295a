import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** A lease that is never released must not hold a place, nor a socket, beyond the death of its server. */
export const scenario: Scenario = {
  id: 56,
  name: 'a leaked lease through a failover',
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({
      manager: { leakDetection: { thresholdMs: 500, captureStack: 'always' } },
    })
    const { manager, primary, recorder, standby } = service
    const leaked = await manager.acquire()
    await leaked.connection.query("select 'forgotten'")
    await context.until(() => recorder.of('leakDetected').length > 0, 'the leak is reported')
    const [report] = manager.detectLeaks()
    context.expect(
      report?.checkedOutBy?.includes('56-leak-through-failover') === true,
      `the leak is blamed on ${report?.checkedOutBy}`,
    )
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(20)
    const failed = await leaked.connection.query('select 1').then(
      () => false,
      () => true,
    )
    context.expect(failed, 'the leaked connection still works')
    const holders = manager
      .getHolders()
      .filter(({ endpoint }) => endpoint === service.endpointOf(primary))
    context.expect(holders.length === 0, 'the leaked lease still holds its place')
    leaked.release()
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      leaksReported: recorder.of('leakDetected').length,
      ...measured,
    }
  },
}
