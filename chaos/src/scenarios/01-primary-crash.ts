import { now } from '../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const OUTAGE_MS = 1000

/** Suspect at once; readers go on; writes wait, and go on with the promotion. */
export const scenario: Scenario = {
  id: 1,
  name: 'the primary crashes, a standby is promoted',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service()
    const { load, primary, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.sleep(OUTAGE_MS)
    context.step('the standby is promoted')
    const promotion = await promote(standby)
    await service.writes(20)
    const reads = load.succeeded('read', crashedAt, promotion.askedAt).length
    context.expect(reads >= 10, `only ${reads} reads succeeded while there was no primary`)
    const figures = await service.finish(standby)
    service.expectNoFailedAcquire()
    context.expect(load.failed('read').length === 0, 'reads failed, though the standby was there')
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      readsMeanwhile: reads,
      ...figures,
    }
  },
}
