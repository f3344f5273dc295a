import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** The preferred one of two independent servers is back and trusted: callers return to it, and none of them notices. */
export const scenario: Scenario = {
  id: 45,
  name: 'failback to the preferred server',
  targets: { detectionMs: 50, takenOverMs: 300 },
  async run(context) {
    const [one, other] = await Promise.all([context.cluster(), context.cluster()])
    const service = await context.service({
      nodes: [one.primary, other.primary],
      manager: { failover: { mode: 'ordered', failbackStableMs: 1000, failbackSuccesses: 3 } },
    })
    const { load, primary, recorder } = service
    context.step('kill -9 of the preferred server')
    const crashedAt = now()
    await primary.crash()
    await service.writes(20)
    const takenOverMs = service.recoveredMs(crashedAt + 1)
    context.step('it starts again')
    await primary.start()
    const backAt = now()
    await context.until(
      () => recorder.of('failbackCompleted', backAt).length > 0,
      'callers are taken back',
    )
    const failedBackMs = now() - backAt
    await service.writes(50)
    const measured = await service.finish(one.primary, other.primary)
    const failed = load.failed('write', backAt).length + load.failed('read', backAt).length
    context.expect(failed === 0, `${failed} operations failed at the failback`)
    service.expectNoFailedAcquire()
    return {
      detectionMs: service.detectionMs(primary, crashedAt),
      takenOverMs,
      failedBackMs,
      ...measured,
    }
  },
}
