import { now } from '../now.js'
import type { RoundContext } from '../round-context.js'
import type { Measurements } from '../scenario.js'
import type { ServerNode } from '../server-node.js'
import type { AnyManager, ClusterService } from '../service.js'

const OUTAGE_MS = 1000

export const CRASH_TARGETS = { detectionMs: 50, firstWriteMs: 300 }

/** Suspect at once; readers go on; writes wait, and go on with the promotion. */
export async function surviveCrash<N extends ServerNode>(
  context: RoundContext,
  service: ClusterService<N, AnyManager>,
): Promise<Measurements> {
  const { primary, standby } = service
  context.step('kill -9 of the primary')
  const crashedAt = now()
  await primary.crash()
  await context.sleep(OUTAGE_MS)
  context.step('the standby is promoted')
  const promotion = await service.promote(standby)
  await service.writes(20)
  const readsMeanwhile = service.expectReadsGoOn(crashedAt, promotion.askedAt)
  const measured = await service.finish(standby)
  service.expectNoFailedAcquire()
  return {
    detectionMs: service.detectionMs(primary, crashedAt),
    firstWriteMs: service.firstWriteMs(promotion),
    readsMeanwhile,
    ...measured,
  }
}
