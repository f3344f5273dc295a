import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const OUTAGE_MS = 1000

/** Suspect at once; readers go on; writes wait, and go on with the promotion. */
export const scenario: Scenario = {
  id: 1,
  name: 'the primary crashes, a replica is promoted',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { primary, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.sleep(OUTAGE_MS)
    context.step('the replica is promoted')
    const promotion = await service.promote(standby)
    await service.writes(20)
    const readsMeanwhile = service.expectReadsGoOn(crashedAt, promotion.askedAt)
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      readsMeanwhile,
      ...figures,
    }
  },
}
