import { now } from '../now.js'
import type { Scenario } from '../scenario.js'

/** The same server is back after a moment: callers wait for it, and nobody moves. */
export const scenario: Scenario = {
  id: 7,
  name: 'quick restart of the same primary',
  quick: true,
  targets: { detectionMs: 50, recoveredMs: 300 },
  async run(context) {
    const service = await context.service()
    const { primary, recorder } = service
    context.step('fast shutdown, and start again')
    const stoppedAt = now()
    await primary.stop('fast')
    await primary.start()
    const startedAt = now()
    await service.writes(20)
    const moves = recorder.moves(stoppedAt)
    context.expect(moves === 0, `callers were moved ${moves} times`)
    const figures = await service.finish(primary)
    service.expectNoFailedAcquire()
    service.expectReadsGoOn(stoppedAt, startedAt)
    return {
      detectionMs: service.detectionMs(primary, stoppedAt),
      recoveredMs: service.recoveredMs(startedAt),
      ...figures,
    }
  },
}
