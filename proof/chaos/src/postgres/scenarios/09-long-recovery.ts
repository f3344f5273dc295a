import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { SlowRecovery } from '../slow-recovery.js'

const RECOVERY_MS = 8000
const ACQUIRE_TIMEOUT_MS = 2000

/** Recovery takes far longer than callers wait: each fails at its deadline, not later, with how things stand. */
export const scenario: Scenario = {
  id: 9,
  name: 'crash recovery takes longer than callers wait',
  async run(context) {
    const service = await context.service({
      standbys: 0,
      manager: { acquireTimeoutMs: ACQUIRE_TIMEOUT_MS, maxWaiters: 50 },
    })
    const { load, manager, primary } = service
    context.step('kill -9, and a recovery that takes long')
    const crashedAt = now()
    const recovery = await SlowRecovery.of(context, primary)
    let mostWaiting = 0
    const until = now() + RECOVERY_MS
    while (now() < until) {
      mostWaiting = Math.max(mostWaiting, manager.getPoolMetrics().waiting)
      await context.sleep(20)
    }
    const reported = load.failed('write', crashedAt).filter((each) => each.failure === 'not-sent')
    const waitedMs = reported.map(({ startedAt, endedAt = Number.NaN }) => endedAt - startedAt)
    context.expect(reported.length > 0, 'no caller has failed')
    context.expect(
      waitedMs.every((each) => each < ACQUIRE_TIMEOUT_MS + 500),
      `a caller waited for ${Math.max(...waitedMs)} ms`,
    )
    context.expect(mostWaiting <= 50, `${mostWaiting} callers waited`)
    context.step('it is ready')
    await recovery.finish()
    const readyAt = now()
    await service.writes(20)
    const measured = await service.finish(primary)
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      recoveredMs: service.recoveredMs(readyAt),
      longestWaitMs: Math.max(0, ...waitedMs),
      mostWaiting,
      ...measured,
    }
  },
}
