import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const ACQUIRE_TIMEOUT_MS = 1500

/** No server can take over: callers get a typed error at their deadline, and once the server is back all goes on by itself. */
export const scenario: Scenario = {
  id: 2,
  name: 'the only server crashes and comes back',
  async run(context) {
    const service = await context.service({
      standbys: 0,
      manager: { acquireTimeoutMs: ACQUIRE_TIMEOUT_MS },
    })
    const { load, primary } = service
    context.step('kill -9 of the server')
    const crashedAt = now()
    await primary.crash()
    await context.until(() => waited().length >= 10, 'callers have come to their deadlines')
    context.step('the server starts again')
    await primary.start()
    const startedAt = now()
    await service.writes(20)
    const measured = await service.finish(primary)
    const latestMs = Math.max(
      ...waited().map(({ startedAt: from, endedAt = Number.NaN }) => endedAt - from),
    )
    context.expect(
      latestMs < ACQUIRE_TIMEOUT_MS + 500,
      `a caller with a deadline of ${ACQUIRE_TIMEOUT_MS} ms was kept for ${latestMs} ms`,
    )
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      recoveredMs: service.recoveredMs(startedAt),
      latestErrorMs: latestMs,
      ...measured,
    }

    function waited() {
      return load.failed('write', crashedAt).filter(({ failure }) => failure === 'not-sent')
    }
  },
}
