import type { Clock } from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const HOUR_MS = 3_600_000

/** The machine's clock is set: no deadline, no lifetime and no probe may depend on it. */
export const scenario: Scenario = {
  id: 57,
  name: 'the wall clock jumps an hour ahead and two back',
  async run(context) {
    let shiftMs = 0
    const clock: Clock = { ...systemClock, wallTime: () => Date.now() + shiftMs }
    const service = await context.service({
      manager: { clock, leakDetection: { thresholdMs: 5000 } },
    })
    const { load, manager, primary, recorder } = service
    const from = now()
    const created = manager.getPoolMetrics().totalConnectionsCreated
    for (const shift of [HOUR_MS, -HOUR_MS, 0]) {
      context.step(`${shift / HOUR_MS} h`)
      shiftMs = shift
      await context.sleep(1200)
    }
    const changes = recorder.of('endpointStateChanged', from).length
    context.expect(changes === 0, `${changes} endpoints changed their state`)
    const aged = recorder
      .of('connectionClosed', from)
      .filter(({ event }) => event.reason === 'lifetime' || event.reason === 'idle')
    context.expect(aged.length === 0, `${aged.length} connections were closed for their age`)
    context.expect(recorder.of('leakDetected').length === 0, 'leaks were reported')
    const opened = manager.getPoolMetrics().totalConnectionsCreated - created
    const measured = await service.finish(primary)
    const failed = load.failed('write').length + load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)
    return { stateChanges: changes, opened, ...measured }
  },
}
