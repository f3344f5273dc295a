import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const BLOCKED_MS = 3000

/** The process computes for three seconds: every deadline has passed, and no server is to blame. */
export const scenario: Scenario = {
  id: 58,
  name: 'the event loop is blocked for three seconds',
  async run(context) {
    const service = await context.service({
      manager: { acquireTimeoutMs: 2000, leakDetection: { thresholdMs: 2500 } },
    })
    const { load, primary, recorder } = service
    const blockedAt = now()
    for (let times = 1; times <= 2; times += 1) {
      context.step('nothing runs')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS)
      await service.writes(50)
    }
    const down = recorder
      .of('endpointStateChanged', blockedAt)
      .filter(({ event }) => event.to === 'DOWN')
    context.expect(down.length === 0, `servers were given up ${down.length} times`)
    context.expect(recorder.of('failoverStarted').length === 0, 'a failover was started')
    context.expect(recorder.of('leakDetected').length === 0, 'leaks were reported')
    const measured = await service.finish(primary)
    const failed = load.failed('write').length + load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)
    return { falseDown: down.length, ...measured }
  },
}
