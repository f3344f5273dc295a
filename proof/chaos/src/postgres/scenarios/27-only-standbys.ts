import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const ACQUIRE_TIMEOUT_MS = 1000

/** No server is promoted: reads go on for as long as it takes, writers fail at their deadlines. */
export const scenario: Scenario = {
  id: 27,
  name: 'only standbys are left',
  targets: { detectionMs: 50 },
  async run(context) {
    const service = await context.service({
      standbys: 2,
      manager: {
        acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
        failover: { failoverTimeoutMs: 500, retryAttempts: 2, retryDelayMs: 100 },
      },
    })
    const { load, manager, primary } = service
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.until(
      () => manager.getFailoverStatus().state === 'DEGRADED',
      'the cluster is degraded',
    )
    const degradedMs = now() - crashedAt
    await context.until(
      () => load.failed('write', crashedAt).filter(isReported).length >= 10,
      'writers have failed',
    )
    const readsMeanwhile = service.expectReadsGoOn(crashedAt, now())
    context.step('the primary starts again')
    await primary.start()
    const startedAt = now()
    await service.writes(20)
    const measured = await service.finish(primary)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      degradedMs,
      readsMeanwhile,
      recoveredMs: service.recoveredMs(startedAt),
      ...measured,
    }
  },
}

function isReported({ failure }: { failure: string | undefined }): boolean {
  return failure === 'not-sent'
}
