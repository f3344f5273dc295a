import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const SPIKE_MS = 2000

/**
 * Everything takes two seconds longer for a while. With a count that such a spike does not reach callers notice no more than
 * the delay. With the defaults the server counts as down meanwhile; but no other is the primary, so no caller is moved.
 */
export const scenario: Scenario = {
  id: 16,
  name: 'latency of two seconds for a while',
  async run(context) {
    const patient = await context.service({
      proxied: true,
      manager: { failover: { suspectCount: 30 } },
    })
    const { load, primary, recorder } = patient
    const endpoint = patient.endpointOf(primary)
    context.step('a spike that is below the count')
    const from = now()
    patient.proxyOf(primary).latency(SPIKE_MS / 2)
    await context.sleep(SPIKE_MS)
    patient.proxyOf(primary).latency(0)
    await patient.writes(20)
    const down = recorder.statesOf(endpoint, from).filter((each) => each === 'DOWN').length
    context.expect(down === 0, `the server was down ${down} times`)
    const measured = await patient.finish(primary)
    const failed = load.failed('write').length + load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)

    context.step('the same with the defaults')
    const hasty = await context.service({ proxied: true })
    hasty.proxyOf(hasty.primary).latency(SPIKE_MS / 2)
    await context.sleep(SPIKE_MS)
    hasty.proxyOf(hasty.primary).latency(0)
    const endedAt = now()
    await hasty.writes(20)
    context.expect(hasty.recorder.moves() === 0, 'callers were moved')
    const recoveredMs = hasty.recoveredMs(endedAt)
    const others = await hasty.finish(hasty.primary)
    hasty.expectNoFailedAcquire()
    return {
      ...measured,
      recoveredMs,
      unknown: (measured.unknown ?? 0) + (others.unknown ?? 0),
      lost: (measured.lost ?? 0) + (others.lost ?? 0),
      duplicated: (measured.duplicated ?? 0) + (others.duplicated ?? 0),
    }
  },
}
