import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const PERIOD_MS = 1500
const FLAPS = 5

/** The preferred one of two independent servers comes and goes: after the first relapse it is not trusted so soon. */
export const scenario: Scenario = {
  id: 44,
  name: 'the preferred server flaps every three seconds',
  deadlineMs: 90_000,
  async run(context) {
    const [one, other] = await Promise.all([context.cluster(), context.cluster()])
    const service = await context.service({
      nodes: [one.primary, other.primary],
      proxied: true,
      manager: {
        failover: {
          mode: 'ordered',
          probeIntervalMs: 100,
          failbackStableMs: 1000,
          failbackSuccesses: 3,
        },
      },
    })
    const { manager, primary, recorder } = service
    const proxy = service.proxyOf(primary)
    const startedAt = now()
    for (let flap = 1; flap <= FLAPS; flap += 1) {
      context.step(`it goes, for the ${flap}. time`)
      proxy.refuse()
      proxy.reset()
      await context.sleep(PERIOD_MS)
      await proxy.heal()
      await context.sleep(PERIOD_MS)
    }
    const failbacks = recorder.of('failbackCompleted', startedAt).length
    context.expect(failbacks <= 2, `callers were taken back ${failbacks} times in ${FLAPS} flaps`)
    context.step('it stays')
    await context.until(
      () => manager.getFailoverStatus().activeEndpoint === service.endpointOf(primary),
      'callers are back on the preferred server',
      30_000,
    )
    const returnedMs = now() - startedAt
    await service.writes(10)
    const moves = recorder.moves(startedAt)
    const measured = await service.finish(one.primary, other.primary)
    service.expectNoFailedAcquire()
    return { failbacks, moves, returnedMs, ...measured }
  },
}
