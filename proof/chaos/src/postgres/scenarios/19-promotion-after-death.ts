import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const LONG_OUTAGE_MS = 4000

/** The search for a writer has gone on for a while, and many callers wait. */
export const scenario: Scenario = {
  id: 19,
  name: 'promotion long after the primary died',
  quick: true,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({ load: { writesPerSecond: 100, mostInFlight: 60 } })
    const { load, primary, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.sleep(LONG_OUTAGE_MS)
    const waiters = load.inFlight('write').length
    context.step(`the standby is promoted, ${waiters} writes wait`)
    const promotion = await promote(standby)
    await service.writes(waiters + 10)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      firstWriteMs: service.firstWriteMs(promotion),
      waiters,
      ...measured,
    }
  },
}
