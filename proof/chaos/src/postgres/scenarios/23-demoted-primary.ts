import { now } from '../../now.js'
import { readsFromStandbys } from '../orms.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The old primary is back, at its old address, as a standby: it gets reads, and never a write. */
export const scenario: Scenario = {
  id: 23,
  name: 'the demoted primary returns as a standby',
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({
      manager: { failover: { failbackStableMs: 500, failbackSuccesses: 3 } },
    })
    const { ledger, load, manager, primary, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(10)
    context.step('the old primary is rebuilt as a standby')
    const rebuiltAt = now()
    await primary.rebuildAsStandbyOf(standby)
    const trustedMs = await service.reaches(primary, ['UP'], rebuiltAt)
    await service.writes(50)
    const { lastAt, reads } = await readsOnStandby()
    context.expect(
      reads > 0 || !readsFromStandbys(context.orm),
      'the standby that came back gets no reads',
    )
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    context.expect(ledger.countOf('refused') === 0, 'writes were sent to a standby')
    const afterwards = load.failed('write', rebuiltAt).length
    context.expect(afterwards === 0, `${afterwards} writes failed after the standby was back`)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      trustedMs,
      readsOnStandby: reads,
      readForMs: lastAt - rebuiltAt,
      ...measured,
    }

    async function readsOnStandby() {
      const metrics = () => manager.getPoolMetrics(service.endpointOf(primary)).totalCheckouts
      const before = metrics()
      await context.sleep(500)
      return { reads: metrics() - before, lastAt: now() }
    }
  },
}
