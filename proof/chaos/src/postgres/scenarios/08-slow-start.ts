import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'
import { SlowRecovery } from '../slow-recovery.js'

/** A server that says it is starting is there: it is waited for, not given up. */
export const scenario: Scenario = {
  id: 8,
  name: 'the primary restarts and is starting for three seconds (57P03)',
  async run(context) {
    const service = await context.service({ standbys: 1 })
    const { manager, primary, recorder } = service
    context.step('kill -9, and a start that takes its time')
    const crashedAt = now()
    const recovery = await SlowRecovery.of(context, primary)
    const startingMs = await service.reaches(primary, ['STARTING'], crashedAt)
    await context.sleep(3000)
    const state = manager.getFailoverStatus().endpoints[0]?.state
    context.expect(state === 'STARTING', `the server is ${state}`)
    context.step('it is ready')
    await recovery.finish()
    const readyAt = now()
    await service.writes(20)
    context.expect(recorder.moves() === 0, 'callers were moved')
    const measured = await service.finish(primary)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      startingMs,
      recoveredMs: service.recoveredMs(readyAt),
      ...measured,
    }
  },
}
