import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { checkUnreplicated } from '../unreplicated.js'

/**
 * A crash where no commit waits for a replica. What had not been replicated is lost with the primary, whatever a client
 * does; it is counted apart, and is all that may be lost.
 */
export const scenario: Scenario = {
  id: 103,
  name: 'the primary crashes with asynchronous replication',
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({
      cluster: { synchronous: false },
      load: { writesPerSecond: 500 },
    })
    const { primary, standby } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    const promotion = await service.promote(standby)
    await service.writes(20)
    const [detectionMs, firstWriteMs] = [
      service.detectionMs(primary, crashedAt),
      service.firstWriteMs(promotion),
    ]
    context.step('the callers stop, and the old primary is asked for what only it has')
    await service.load.stop()
    await primary.start({ readOnly: true })
    const { measured, lostUnreplicated, writtenSince } = await checkUnreplicated(service, {
      kept: standby,
      old: primary,
      crashedAt,
    })
    context.expect(writtenSince === 0, `${writtenSince} later writes went to the old primary`)
    service.expectNoFailedAcquire()
    return { detectionMs, firstWriteMs, lostUnreplicated, ...measured }
  },
}
